# lme4's answers for models on data of R's packages and on simulated data of awkward kinds.
# Writes lme4_reml.json and one CSV a data set in lme4_reml/. Run in this folder: Rscript lme4_reml.R
suppressMessages(library(lme4))
library(jsonlite)

normal <- function(n, sd = 1) rnorm(n, 0, sd)
# Groups of the given sizes; `effects` has a row per group: its intercept, its slope of x (and of z)
simulate <- function(seed, sizes, effects, sigma, x_at = 0, beta = c(2, 1, -1)) {
  set.seed(seed)
  g <- rep(seq_along(sizes), sizes)
  n <- length(g)
  d <- data.frame(g = sprintf("g%02d", g), x = round(x_at + normal(n), 3), z = round(normal(n), 3),
                  c = sample(c("a", "b", "d"), n, replace = TRUE))
  b <- effects(length(sizes))
  b <- cbind(b, matrix(0, nrow(b), 3 - ncol(b)))
  y <- beta[1] + b[g, 1] + (beta[2] + b[g, 2]) * (d$x - x_at) + (beta[3] + b[g, 3]) * d$z
  d$y <- round(y + c(a = 0, b = 0.5, d = -0.3)[d$c] + normal(n, sigma), 6)
  d
}
independent <- function(...) function(k) sapply(c(...), function(s) normal(k, s))
along <- function(...) function(k) outer(normal(k), c(...))  # one direction: correlations of 1 and -1
rooted <- function(root) function(k) matrix(normal(k * nrow(root)), k) %*% t(root)

years <- simulate(7, rep(12, 15), rooted(matrix(c(1, 0.3, 0, 0.4), 2)), 0.5, x_at = 2003, beta = c(2, 0.1, 0))
years$x <- round(years$x)
gaps <- simulate(12, rep(9, 10), independent(0.8, 0.4), 0.6)
gaps$x[c(3, 40)] <- NA
gaps$y[17] <- NA
gaps$x2 <- 2 * gaps$x - 1

frames <- list(
  Dyestuff = Dyestuff, Dyestuff2 = Dyestuff2, cake = cake, ChickWeight = ChickWeight, Orange = Orange,
  Orthodont = transform(as.data.frame(nlme::Orthodont), Sex = as.character(Sex)), Machines = as.data.frame(nlme::Machines),
  plus_one = simulate(1, rep(10, 12), along(0.7, 0.4), 0.6),
  minus_one = simulate(22, rep(10, 12), along(0.7, -0.4), 0.6),
  no_slopes = simulate(3, rep(8, 15), independent(0.6), 0.9),
  three = simulate(4, rep(14, 30), rooted(matrix(c(0.9, 0.3, -0.2, 0, 0.5, 0.2, 0, 0, 0.4), 3)), 0.6),
  three_flat = simulate(5, rep(12, 14), along(0.9, 0.4, -0.3), 0.7),
  unbalanced = simulate(6, c(90, 40, 20, 9, 5, 3, 2, 2, rep(1, 12)), independent(0.8, 0.3), 0.5),
  years = years,
  large_tau = simulate(8, rep(6, 10), independent(3000, 800), 0.05),
  small_tau = simulate(9, rep(30, 20), independent(0.08, 0.05), 2),
  factors = simulate(10, rep(24, 12), independent(0.7, 0.4), 0.6),
  gaps = gaps
)
models <- list(
  c("Dyestuff", "Yield ~ 1 + (1 | Batch)"),
  c("Dyestuff2", "Yield ~ 1 + (1 | Batch)"),
  c("cake", "angle ~ temp * recipe + (1 | recipe:replicate)"),
  c("ChickWeight", "weight ~ Time * Diet + (Time | Chick)"),
  c("Orange", "circumference ~ age + (age | Tree)"),
  c("Orthodont", "distance ~ age * Sex + (age | Subject)"),
  c("Machines", "score ~ Machine + (Machine | Worker)"),
  c("Machines", "score ~ Machine + (0 + Machine | Worker)"),
  c("plus_one", "y ~ x + z + c + (x | g)"),
  c("minus_one", "y ~ x + z + c + (x | g)"),
  c("no_slopes", "y ~ x + z + c + (x | g)"),
  c("no_slopes", "y ~ x + z + c + (x || g)"),
  c("three", "y ~ x + z + (x + z | g)"),
  c("three_flat", "y ~ x + z + (x + z | g)"),
  c("three_flat", "y ~ x + z + c + (x | g) + (0 + z | g)"),
  c("unbalanced", "y ~ x + z + c + (1 | g)"),
  c("unbalanced", "y ~ x + z + c + (x || g)"),
  c("years", "y ~ x + z + c + (x | g)"),
  c("years", "y ~ x + z + c + (x || g)"),
  c("large_tau", "y ~ x + z + c + (x | g)"),
  c("large_tau", "y ~ x + z + c + (1 | g)"),
  c("small_tau", "y ~ x + z + (x || g)"),
  c("small_tau", "y ~ x + (1 | g)"),
  c("factors", "y ~ x + c + (x + c || g)"),
  c("factors", "y ~ 0 + c + x:c + (0 + x | g)"),
  c("factors", "y ~ 1 + (x | g)"),
  c("factors", "y ~ 0 + x + (1 | g)"),
  c("factors", "y ~ 0 + (1 | g)"),
  c("gaps", "y ~ x + x2 + z + (x | g)")
)

control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e6), calc.derivs = FALSE)
answer <- function(name, formula) {
  run <- function(reml) suppressWarnings(suppressMessages(lmer(as.formula(formula), frames[[name]], REML = reml, control = control)))
  restricted <- run(TRUE)
  v <- as.data.frame(VarCorr(restricted))
  list(name = name, formula = formula, n = nobs(restricted), groups = as.list(ngrps(restricted)),
       fixef = as.list(fixef(restricted)), fixef_se = as.list(sqrt(diag(as.matrix(vcov(restricted))))),
       varcorr = v[, c("grp", "var1", "var2", "sdcor")], sigma = sigma(restricted),
       loglik_reml = as.numeric(logLik(restricted)), loglik_ml = as.numeric(logLik(run(FALSE))),
       aic = AIC(restricted), bic = BIC(restricted), singular = isSingular(restricted),
       coef_head = lapply(coef(restricted), first_groups))
}
first_groups <- function(d) cbind(level = rownames(d)[1:4], head(d, 4), row.names = NULL)

dir.create("lme4_reml", showWarnings = FALSE)
used <- function(name) unique(unlist(lapply(models, function(m) if (m[1] == name) all.vars(as.formula(m[2])))))
for (name in names(frames)) {
  d <- frames[[name]][, used(name)]
  write.csv(d, file.path("lme4_reml", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}
made <- list(R = R.version.string, lme4 = as.character(packageVersion("lme4")),
             models = lapply(models, function(m) answer(m[1], m[2])))
write(toJSON(made, digits = 12, auto_unbox = TRUE, pretty = TRUE), "lme4_reml.json")
