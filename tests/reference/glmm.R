# Maximum likelihood answers for other families than the gaussian: lme4's glmer with several quadrature points (one effect a
# group), and glmmTMB's Laplace approximation (several effects, and families that glmer has not).
# Writes glmm.json and one CSV a data set in glmm/. Run in this folder: Rscript glmm.R
suppressMessages({library(lme4); library(glmmTMB); library(jsonlite)})

# Groups of the given sizes with intercepts and slopes of x and z; the linear predictor is `eta`
simulate <- function(seed, sizes, sds, beta = c(-0.3, 0.6, -0.4), root = diag(3)) {
  set.seed(seed)
  g <- rep(seq_along(sizes), sizes)
  n <- length(g)
  b <- matrix(rnorm(3 * length(sizes)), ncol = 3) %*% t(root) %*% diag(c(sds, rep(0, 3 - length(sds))))
  d <- data.frame(g = sprintf("g%03d", g), x = round(rnorm(n), 3), z = round(rnorm(n), 3), f = sample(c("a", "b", "c"), n, TRUE))
  d$eta <- beta[1] + b[g, 1] + (beta[2] + b[g, 2]) * d$x + (beta[3] + b[g, 3]) * d$z + c(a = 0, b = 0.5, c = -0.5)[d$f]
  d
}
binary <- function(d, inverse = plogis) transform(d, y = rbinom(nrow(d), 1, inverse(eta)))
set.seed(1)
small <- binary(simulate(4, sample(1:4, 80, TRUE), 3))
probit <- binary(simulate(2, rep(8, 30), 0.8), pnorm)
cloglog <- binary(simulate(3, rep(10, 25), 0.6), function(eta) 1 - exp(-exp(eta)))
trials <- transform(simulate(4, rep(6, 20), 0.7), n = sample(1:20, 120, TRUE))
trials$k <- rbinom(120, trials$n, plogis(trials$eta))
exposed <- transform(simulate(5, sample(2:12, 30, TRUE), 0.5), hours = NA)
exposed$hours <- round(rexp(nrow(exposed), 1 / 5) + 0.5, 2)
exposed$y <- rpois(nrow(exposed), exposed$hours * exp(exposed$eta))
own <- transform(simulate(6, rep(1, 150), 0.9))  # a group each row
own$y <- rpois(150, exp(own$eta))
flat <- binary(simulate(13, rep(6, 20), 0))
rare <- binary(simulate(8, rep(30, 25), 1, beta = c(-4, 0.8, 0)))
extra <- simulate(9, sample(4:15, 25, TRUE), 0.6)
extra$y <- rnbinom(nrow(extra), mu = exp(1 + extra$eta), size = 1.7)
positive <- simulate(11, sample(3:12, 25, TRUE), c(0.5, 0.3))
positive$y <- round(rgamma(nrow(positive), 3, 3 / exp(positive$eta)), 5) + 1e-5
slopes <- binary(simulate(12, sample(4:25, 40, TRUE), c(1, 0.8), root = rbind(c(1, 0, 0), c(0.5, sqrt(0.75), 0), c(0, 0, 1))))
far <- transform(slopes, year = 2000 + x)
three <- simulate(13, sample(8:20, 40, TRUE), c(0.7, 0.4, 0.3), root = rbind(c(1, 0, 0), c(0.4, 0.9, 0), c(-0.3, 0.2, 0.93)))
three$y <- rpois(nrow(three), exp(0.5 + three$eta))
frames <- list(small = small, probit = probit, cloglog = cloglog, trials = trials, exposed = exposed, own = own, flat = flat,
               rare = rare, extra = extra, positive = positive, slopes = slopes, far = far, three = three)

model <- function(name, formula, family, link, nodes) list(name = name, formula = formula, family = family, link = link, nodes = nodes)
models <- list(  # nodes of glmer; 0 is glmmTMB
  model("small", "y ~ x + (1 | g)", "bernoulli", "logit", 25),
  model("small", "y ~ x + (1 | g)", "bernoulli", "logit", 9),
  model("probit", "y ~ x + f + (1 | g)", "bernoulli", "probit", 25),
  model("cloglog", "y ~ x * z + (1 | g)", "bernoulli", "cloglog", 9),
  model("trials", "cbind(k, n - k) ~ x + f + (1 | g)", "binomial", "logit", 9),
  model("trials", "cbind(k, n - k) ~ x + (0 + x | g)", "binomial", "probit", 25),
  model("exposed", "y ~ x + offset(log(hours)) + (1 | g)", "poisson", "log", 25),
  model("own", "y ~ x + z + (1 | g)", "poisson", "log", 9),
  model("flat", "y ~ x + (1 | g)", "bernoulli", "logit", 9),
  model("rare", "y ~ x + (1 | g)", "bernoulli", "logit", 25),
  model("small", "y ~ x + (1 | g)", "bernoulli", "logit", 1),
  model("extra", "y ~ x + f + (1 | g)", "negativebinomial", "log", 0),
  model("extra", "y ~ x + (x | g)", "negativebinomial", "log", 0),
  model("positive", "y ~ x + (1 | g)", "gamma", "log", 0),
  model("positive", "y ~ x + z + f + (x | g)", "gamma", "log", 0),
  model("slopes", "y ~ x + (x | g)", "bernoulli", "logit", 0),
  model("slopes", "y ~ x + z + (x || g)", "bernoulli", "logit", 0),
  model("three", "y ~ x + (0 + f | g)", "poisson", "log", 0),
  model("far", "y ~ year + (year | g)", "bernoulli", "logit", 0),
  model("three", "y ~ x + z + (x + z | g)", "poisson", "log", 0),
  model("three", "y ~ x + z + f + (x | g) + (0 + z | g)", "poisson", "log", 0)
)

by_lme4 <- function(m, data) {
  family <- switch(m$family, poisson = poisson(m$link), binomial(m$link))
  control <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.2, rhoend = 1e-9, maxfun = 1e6), check.conv.singular = "ignore")
  glmer(as.formula(m$formula), data, family, nAGQ = m$nodes, control = control)
}
by_glmmTMB <- function(m, data) {
  family <- switch(m$family, poisson = poisson(m$link), negativebinomial = nbinom2(m$link), gamma = Gamma(m$link), binomial(m$link))
  bars <- sub("\\((.*) \\|\\| g\\)", "diag(\\1 | g)", m$formula)
  glmmTMB(as.formula(bars), data, family, control = glmmTMBControl(optCtrl = list(rel.tol = 1e-14, iter.max = 1e5, eval.max = 1e5)))
}
# The log-likelihood of the model in which each response is its own expectation: glmer leaves it out with several nodes
saturated <- function(m, data) {
  if (m$nodes < 2) return(0)
  if (m$family == "poisson") return(sum(dpois(data$y, data$y, log = TRUE)))
  if (m$family == "binomial") return(sum(dbinom(data$k, data$n, data$k / data$n, log = TRUE)))
  0
}
sizes <- function(v) {  # a row for each sd, then for each correlation
  do.call(rbind, lapply(v, function(block) {
    names <- rownames(block)
    pairs <- which(lower.tri(block), arr.ind = TRUE)
    one <- data.frame(effect1 = names, effect2 = NA, sdcor = attr(block, "stddev"))
    two <- if (nrow(pairs)) data.frame(effect1 = names[pairs[, 2]], effect2 = names[pairs[, 1]], sdcor = attr(block, "correlation")[pairs])
    rbind(one, if (nrow(pairs) && !all(abs(two$sdcor) < 1e-12)) two)
  }))
}
answer <- function(m) {
  data <- read.csv(file.path("glmm", paste0(m$name, ".csv")))
  tmb <- m$nodes == 0
  fitted <- if (tmb) by_glmmTMB(m, data) else by_lme4(m, data)
  cond <- function(found) if (tmb) found$cond else found
  own <- if (!tmb) NA else if (m$family == "negativebinomial") sigma(fitted) else if (m$family == "gamma") sigma(fitted)^-2 else NA
  effects <- Reduce(cbind, lapply(if (tmb) ranef(fitted)$cond else ranef(fitted), as.data.frame))
  v <- sizes(if (tmb) VarCorr(fitted)$cond else VarCorr(fitted))
  c(m, list(
    by = if (tmb) "glmmTMB" else "lme4", loglik = as.numeric(logLik(fitted)), saturated = saturated(m, data),
    fixef = as.list(cond(fixef(fitted))), fixef_se = as.list(sqrt(diag(as.matrix(cond(vcov(fitted)))))), varcorr = v, own = own,
    residuals = if (tmb) NULL else unname(quantile(residuals(fitted, "pearson", scaled = TRUE))),
    ranef = head(unname(as.matrix(effects)), 4)
  ))
}

dir.create("glmm", showWarnings = FALSE)
for (name in names(frames)) {
  wanted <- unique(unlist(lapply(models, function(m) if (m$name == name) all.vars(as.formula(m$formula)))))
  write.csv(frames[[name]][, wanted], file.path("glmm", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}
made <- list(R = R.version.string, lme4 = as.character(packageVersion("lme4")), glmmTMB = as.character(packageVersion("glmmTMB")),
             models = lapply(models, answer))
write(toJSON(made, digits = 12, auto_unbox = TRUE, pretty = 1, na = "null"), "glmm.json")
