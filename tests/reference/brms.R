# brms's posteriors under hlm's default priors. Writes brms.json; with names as arguments, only those models are run again.
# The numbers of the priors are worked out here, from the rule and the data, not taken from hlm: a test holds hlm's to them.
# brms's class "Intercept" is the intercept of centred predictors, as hlm's `Intercept` prior is; b_Intercept is not.
# Run in this folder: Rscript brms.R [exam sleepstudy radon penicillin pastes cbpp]. Needs brms, rstan and a C++ compiler.
suppressMessages(library(brms))
library(jsonlite)
suppressMessages(library(posterior))

read <- function(name, labels = character()) read.csv(file.path("..", "..", "data", paste0(name, ".csv")),
                                                      colClasses = setNames(rep("character", length(labels)), labels))
models <- list(
  exam = list(post ~ pre + (pre | school), read("exam", "school"), c("48", "54", "1")),
  sleepstudy = list(Reaction ~ Days + (Days | Subject), read("sleepstudy", "Subject"), c("308", "335")),
  radon = list(log_radon ~ floor + log_uranium + (floor | county), read("radon"), c("AITKIN", "LACQUIPARLE", "STLOUIS")),
  penicillin = list(diameter ~ 1 + (1 | plate) + (1 | sample), read("penicillin"), c("a", "x", "A", "F")),
  pastes = list(strength ~ 1 + (1 | batch) + (1 | batch:cask), read("pastes"), c("A", "J", "A_a", "J_c")),
  cbpp = list(incidence | trials(size) ~ period + (1 | herd), read("cbpp", c("herd", "period")), c("1", "8"))
)

# Bambi's rule: 2.5 sd(y) for each sd(x), the intercept's variance that of the mean of y plus that of the slopes at the
# means of x; sds with divisor n. A group-level sd has the scale of the common coefficient of the same name.
spread <- function(x) sqrt(mean((x - mean(x))^2))
scales <- function(formula, data) {
  binomial <- deparse(formula[[2]])[1] == "incidence | trials(size)"
  x <- model.matrix(lme4::nobars(formula[-2]), data)  # the right-hand side: brms's trials() has a bar too
  x <- x[, -1, drop = FALSE]
  unit <- if (binomial) 1 else spread(data[[deparse(formula[[2]])]])
  slopes <- if (binomial) rep(1, ncol(x)) else 2.5 * unit / apply(x, 2, spread)  # dummies of a factor: 1
  names(slopes) <- colnames(x)
  list(binomial = binomial, mean = if (binomial) 0 else mean(data[[deparse(formula[[2]])]]), unit = unit,
       intercept = sqrt((2.5 * unit)^2 + sum((slopes * colMeans(x))^2)), slopes = slopes)
}
as_text <- function(name, ...) sprintf("%s(%s)", name, paste(sprintf("%.12g", c(...)), collapse = ", "))
priors <- function(formula, s) {
  common <- if (s$binomial) 1.5 else s$intercept
  found <- set_prior(as_text("normal", s$mean, common), class = "Intercept")
  for (x in names(s$slopes)) found <- found + set_prior(as_text("normal", 0, s$slopes[[x]]), class = "b", coef = x)
  if (!s$binomial) found <- found + set_prior(as_text("student_t", 4, 0, s$unit), class = "sigma")
  for (bar in lme4::findbars(formula)) {
    group <- gsub(" ", "", deparse(bar[[3]]))
    for (effect in c("Intercept", all.vars(bar[[2]]))) {
      size <- if (effect == "Intercept") s$intercept else s$slopes[[effect]]
      found <- found + set_prior(as_text("normal", 0, size), class = "sd", group = group, coef = effect)
    }
    if (length(all.vars(bar[[2]]))) found <- found + set_prior("lkj(1)", class = "cor", group = group)
  }
  found
}

kept <- function(names, levels) {
  population <- grepl("^(b_|sd_|cor_|sigma$)", names)
  effect <- grepl("^r_", names) & sub("^r_[^\\[]*\\[([^,]*),.*", "\\1", names) %in% levels
  names[population | effect]
}
summarised <- function(model, levels) {
  draws <- as_draws_array(model)
  draws <- subset_draws(draws, variable = kept(variables(draws), levels))
  as.data.frame(summarise_draws(draws, "mean", "sd", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "rhat",
    ~quantile2(.x, c(0.05, 0.5, 0.95)), ~mcse_quantile(.x, c(0.05, 0.5, 0.95))))
}
answer <- function(name) {
  formula <- models[[name]][[1]]
  data <- models[[name]][[2]]
  numbers <- scales(formula, data)
  prior <- priors(formula, numbers)
  careful <- switch(name, pastes = 0.999, penicillin = 0.99, 0.95)  # few groups: fewer divergences with small steps
  model <- brm(formula, data, if (numbers$binomial) binomial() else gaussian(), prior, chains = 4, cores = 2,
               iter = 6000, warmup = 1000, seed = 20, refresh = 0, control = list(adapt_delta = careful))
  list(formula = paste(deparse(formula, 500), collapse = ""), 
       draws = paste("4 x 5000 after 1000 of warm-up, seed 20, adapt_delta", careful),
       divergences = sum(nuts_params(model, pars = "divergent__")$Value),
       priors = data.frame(parameter = paste(prior$class, prior$group, prior$coef), prior = prior$prior),
       posterior = summarised(model, models[[name]][[3]]))
}

asked <- commandArgs(trailingOnly = TRUE)
made <- if (file.exists("brms.json")) fromJSON("brms.json")$models else list()
for (name in if (length(asked)) asked else names(models)) {
  made[[name]] <- answer(name)
  write_json(list(R = R.version.string, brms = as.character(packageVersion("brms")), rstan = as.character(packageVersion("rstan")),
                  models = made[intersect(names(models), names(made))]), "brms.json", auto_unbox = TRUE, digits = 8, pretty = TRUE)
}
