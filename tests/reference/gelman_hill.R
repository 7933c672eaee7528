# The radon models of Gelman & Hill (2007), sections 12.2-12.6 and 13.1: what the book prints, and what lm and lme4 give
# today. Writes gelman_hill.json. Run here: Rscript gelman_hill.R
# The book's response is log(radon), with 0.1 for the three readings of 0; hlm/data/sets/radon.csv has log(radon + 0.1).
suppressMessages(library(lme4))
library(jsonlite)

radon <- read.csv(file.path("..", "..", "data", "radon.csv"))
activity <- round(exp(radon$log_radon) - 0.1, 1)
radon$y <- log(ifelse(activity == 0, 0.1, activity))
radon <- transform(radon, x = floor, u = log_uranium)

best <- function(formula) {  # the default optimiser stops at an sd of 0 in M4, 2.8 below the maximum
  run <- function(start) suppressMessages(lmer(formula, radon, start = start,
                                               control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9))))
  first <- run(NULL)
  found <- c(first, lapply(c(0.1, 0.3, 1), function(size) run(size * (getME(first, "lower") == 0) + 0.03)))
  found[[which.max(sapply(found, function(m) as.numeric(logLik(m))))]]
}
from_lmer <- function(formula) {
  m <- best(formula)
  v <- as.data.frame(VarCorr(m))
  effects <- ifelse(is.na(v$var2), paste("sd", v$var1), "corr")
  c(as.list(fixef(m)), setNames(as.list(sqrt(diag(as.matrix(vcov(m))))), paste("se", names(fixef(m)))),
    setNames(as.list(v$sdcor), ifelse(v$grp == "Residual", "sigma", effects)))
}
from_lm <- function(formula, kept) {
  s <- summary(lm(formula, radon))
  found <- s$coefficients[kept, , drop = FALSE]
  names <- sub("county", "", rownames(found))
  c(setNames(as.list(found[, 1]), names), setNames(as.list(found[, 2]), paste("se", names)), sigma = s$sigma)
}
made <- list(
  list(name = "complete pooling", formula = "y ~ x", lme4 = from_lm(y ~ x, 1:2),
       printed = list("(Intercept)" = 1.33, x = -0.61, "se (Intercept)" = 0.03, "se x" = 0.07, sigma = 0.82)),
  list(name = "no pooling", formula = "y ~ x + county - 1", lme4 = from_lm(y ~ x + county - 1, c("x", "countyAITKIN", "countyANOKA", "countyYELLOWMEDICINE")),
       printed = list(x = -0.72, AITKIN = 0.84, ANOKA = 0.87, YELLOWMEDICINE = 1.19, "se x" = 0.07, "se AITKIN" = 0.38,
                      "se ANOKA" = 0.10, "se YELLOWMEDICINE" = 0.53, sigma = 0.76)),
  list(name = "M1", formula = "y ~ x + (1 | county)", lme4 = from_lmer(y ~ x + (1 | county)),
       printed = list("(Intercept)" = 1.46, x = -0.69, "se (Intercept)" = 0.05, "se x" = 0.07, "sd (Intercept)" = 0.33, sigma = 0.76)),
  list(name = "M2", formula = "y ~ x + u + (1 | county)", lme4 = from_lmer(y ~ x + u + (1 | county)),
       printed = list("(Intercept)" = 1.47, x = -0.67, u = 0.72, "se (Intercept)" = 0.04, "se x" = 0.07, "se u" = 0.09,
                      "sd (Intercept)" = 0.16, sigma = 0.76)),
  list(name = "M3", formula = "y ~ x + (1 + x | county)", lme4 = from_lmer(y ~ x + (1 + x | county)),
       printed = list("(Intercept)" = 1.46, x = -0.68, "se (Intercept)" = 0.05, "se x" = 0.09, "sd (Intercept)" = 0.35,
                      "sd x" = 0.34, corr = -0.34, sigma = 0.75)),
  list(name = "M4", formula = "y ~ x + u + x:u + (1 + x | county)", lme4 = from_lmer(y ~ x + u + x:u + (1 + x | county)),
       printed = list("(Intercept)" = 1.47, x = -0.67, u = 0.81, "x:u" = -0.42, "se (Intercept)" = 0.04, "se x" = 0.08,
                      "se u" = 0.09, "se x:u" = 0.23, "sd (Intercept)" = 0.12, "sd x" = 0.31, corr = 0.41, sigma = 0.75))
)
write_json(list(R = R.version.string, lme4 = as.character(packageVersion("lme4")), models = made), "gelman_hill.json",
           auto_unbox = TRUE, digits = 12, pretty = TRUE)
