# lme4's answers for notebooks/06_for_lme4_users.ipynb, beyond lme4.json: intervals, predictions, a likelihood-ratio test,
# and a singular fit. Writes lme4_lesson.json. Run here: Rscript lme4_lesson.R
suppressMessages(library(lme4))
library(jsonlite)

precise <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9))
lines <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy, control = precise)
parallel <- lmer(Reaction ~ Days + (1 | Subject), sleepstudy, control = precise)
new <- data.frame(Subject = c("308", "335", "somebody new"), Days = 10)
test <- anova(parallel, lines, refit = TRUE)
flat <- lmer(Yield ~ 1 + (1 | Batch), Dyestuff2, control = precise)

profiled <- function(model) {
  found <- suppressWarnings(confint(model, level = 0.95, oldNames = FALSE, quiet = TRUE))
  data.frame(parameter = rownames(found), lower = found[, 1], upper = found[, 2], row.names = NULL)
}
write_json(list(
  R = R.version.string, lme4 = as.character(packageVersion("lme4")),
  confint = profiled(lines),
  predict = data.frame(new, known = unname(predict(lines, new, allow.new.levels = TRUE)),
                       re_form_NA = unname(predict(lines, new, re.form = NA))),
  anova = list(chisq = test$Chisq[2], df = test$Df[2], p = test$`Pr(>Chisq)`[2], deviance = test$deviance, AIC = test$AIC),
  singular = list(fixef = unname(fixef(flat)), sd = unname(attr(VarCorr(flat)$Batch, "stddev")),
                  sigma = sigma(flat), loglik_reml = as.numeric(logLik(flat)), singular = isSingular(flat), confint = profiled(flat))
), "lme4_lesson.json", auto_unbox = TRUE, digits = 12, pretty = TRUE)
