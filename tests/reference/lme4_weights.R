# lme4's answers for models with precision weights and offsets. Writes lme4_weights.json. Run here: Rscript lme4_weights.R
suppressMessages(library(lme4))
library(jsonlite)

sleepstudy$w <- 1 + sleepstudy$Days
sleepstudy$o <- 2 * sleepstudy$Days^2
Penicillin$w <- rep_len(c(0.5, 1, 3), nrow(Penicillin))
answers <- function(name, formula, data, weights = rep(1, nrow(data))) {
  data$weight <- weights
  fit <- function(restricted) lmer(as.formula(formula, environment()), data, REML = restricted, weights = weight, control = lmerControl(
    optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9)))
  m <- fit(TRUE)
  list(name = name, formula = formula, fixef = unname(fixef(m)), fixef_se = unname(sqrt(diag(as.matrix(vcov(m))))),
       sd = unname(unlist(lapply(VarCorr(m), attr, "stddev"))), sigma = sigma(m),
       loglik_reml = as.numeric(logLik(m)), loglik_ml = as.numeric(logLik(fit(FALSE))))
}
found <- list(
  answers("sleepstudy, weights 1 + Days", "Reaction ~ Days + (Days | Subject)", sleepstudy, sleepstudy$w),
  answers("sleepstudy, offset 2 Days^2", "Reaction ~ Days + offset(o) + (Days | Subject)", sleepstudy),
  answers("Penicillin, weights 0.5, 1, 3", "diameter ~ 1 + (1 | plate) + (1 | sample)", Penicillin, Penicillin$w)
)
write_json(list(R = R.version.string, lme4 = as.character(packageVersion("lme4")), models = found),
           "lme4_weights.json", auto_unbox = TRUE, digits = 12, pretty = TRUE)
