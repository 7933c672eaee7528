# lme4's answers for models on data that ship with R (datasets, lattice, lme4, MASS, nlme), by what is awkward about them.
# Writes lme4_r.json and one CSV a data set in lme4_r/. Run in this folder: Rscript lme4_r.R
# lme4 reads the same CSV as hlm, so that both have the same digits; text columns are factors with sorted levels.
suppressMessages(library(lme4))
library(jsonlite)
invisible(Sys.setlocale("LC_COLLATE", "C"))

labelled <- function(d, ...) {  # numbers that are labels become text
  for (name in c(...)) d[[name]] <- paste0(tolower(substr(name, 1, 1)), as.character(d[[name]]))
  d
}
from <- function(d) as.data.frame(lapply(as.data.frame(d), function(v) if (is.factor(v)) as.character(v) else as.vector(v)))
ratings <- from(subset(InstEval, dept == "7"))

frames <- list(
  Alfalfa = from(nlme::Alfalfa), Assay = from(nlme::Assay), BodyWeight = from(nlme::BodyWeight), CO2 = from(CO2),
  Gasoline = from(nlme::Gasoline), InstEval = labelled(ratings, "service"), Loblolly = from(Loblolly),
  Meat = from(nlme::Meat), Oats = from(nlme::Oats), OrchardSprays = from(OrchardSprays), Oxboys = from(nlme::Oxboys),
  Oxide = labelled(from(nlme::Oxide), "Source"), Pixel = from(nlme::Pixel), Rail = from(nlme::Rail),
  RatPupWeight = from(nlme::RatPupWeight), Theoph = from(Theoph), Wafer = from(nlme::Wafer), airquality = from(airquality),
  attenu = from(attenu), barley = from(lattice::barley), bdf = from(nlme::bdf), ergoStool = from(nlme::ergoStool),
  iris = from(iris), morley = from(morley), mtcars = from(mtcars), npk = from(npk),
  Penicillin = from(Penicillin), sleep = from(sleep), sleepstudy = from(sleepstudy), Rabbit = from(MASS::Rabbit)
)
frames$bdf[c("IQ.ver.cen", "avg.IQ.ver.cen")] <- signif(frames$bdf[c("IQ.ver.cen", "avg.IQ.ver.cen")], 6)
frames$BodyWeight <- labelled(frames$BodyWeight, "Diet")
frames$Loblolly$w <- 1 / frames$Loblolly$age
frames$barley$w <- rep_len(c(1, 2, 4), nrow(frames$barley))
frames$Oats$w <- rep_len(c(0.5, 1, 3, 2, 1), nrow(frames$Oats))
frames$Penicillin$w <- rep_len(c(0.5, 1, 3), nrow(frames$Penicillin))
frames$sleepstudy$w <- 1 + frames$sleepstudy$Days
frames$sleepstudy$o <- 2 * frames$sleepstudy$Days^2
frames$Assay <- labelled(frames$Assay, "dilut")
frames$Oxboys$o <- 6 * frames$Oxboys$age

models <- rbind.data.frame(
  c("balanced, one way", "Rail", "travel ~ 1 + (1 | Rail)", NA),
  c("balanced, pairs", "sleep", "extra ~ group + (1 | ID)", NA),
  c("balanced, blocks", "ergoStool", "effort ~ Type + (1 | Subject)", NA),
  c("correlated slope", "Oxboys", "height ~ age + (age | Subject)", NA),
  c("three correlated effects, sds far above sigma", "Oxboys", "height ~ age + I(age^2) + (age + I(age^2) | Subject)", NA),
  c("singular: a correlation of 1", "Loblolly", "height ~ age + (age | Seed)", NA),
  c("slopes beside a group-level factor", "BodyWeight", "weight ~ Time * Diet + (Time | Rat)", NA),
  c("slopes far below their intercepts", "Gasoline", "yield ~ endpoint + vapor + (endpoint | Sample)", NA),
  c("singular: three groups", "iris", "Sepal.Length ~ Petal.Length + (Petal.Length | Species)", NA),
  c("singular: squared predictor", "Theoph", "conc ~ Time + I(Time^2) + (Time | Subject)", NA),
  c("nearly singular: an sd of 0.08 sigma, Latin square", "OrchardSprays", "decrease ~ treatment + (1 | rowpos) + (1 | colpos)", NA),
  c("unbalanced", "RatPupWeight", "weight ~ sex * Treatment + Lsize + (1 | Litter)", NA),
  c("unbalanced, small groups", "Gasoline", "yield ~ endpoint + vapor + (1 | Sample)", NA),
  c("singular: missing values, five groups", "airquality", "Ozone ~ Temp + Wind + (Temp | Month)", NA),
  c("singular: an sd of 0, groups of one row", "mtcars", "mpg ~ wt + (1 | carb)", NA),
  c("groups of one row, logs", "attenu", "log(accel) ~ mag + log(dist) + (1 | event)", NA),
  c("groups of one row, crossed, missing labels", "attenu", "log(accel) ~ mag + log(dist) + (1 | event) + (1 | station)", NA),
  c("nested", "Oats", "yield ~ nitro + (1 | Block/Variety)", NA),
  c("nested, slopes at two levels", "Pixel", "pixel ~ day + I(day^2) + (day | Dog) + (1 | Side:Dog)", NA),
  c("nested, common factor", "Oxide", "Thickness ~ Source + (1 | Lot/Wafer)", NA),
  c("nested, slopes of sites in wafers", "Wafer", "current ~ voltage + I(voltage^2) + (voltage | Wafer) + (voltage | Wafer:Site)", NA),
  c("nested, one row in most cells", "Meat", "score ~ Storage + (1 | Block/Pair)", NA),
  c("crossed", "barley", "yield ~ variety + (1 | site) + (1 | year)", NA),
  c("crossed, an interaction of factors", "barley", "yield ~ variety + (1 | site) + (1 | year) + (1 | site:year)", NA),
  c("crossed within two blocks", "Assay", "logDens ~ sample * dilut + (1 | Block) + (1 | Block:sample) + (1 | Block:dilut)", NA),
  c("crossed, hardly any variation", "morley", "Speed ~ 1 + (1 | Expt) + (1 | Run)", NA),
  c("crossed, a group-level factor as slope", "Rabbit", "BPchange ~ Treatment * log(Dose) + (Treatment | Animal)", NA),
  c("many effects: sparse, crossed", "InstEval", "y ~ service + (1 | s) + (1 | d)", NA),
  c("many effects: slopes of 131 schools", "bdf", "langPOST ~ IQ.ver.cen * avg.IQ.ver.cen + (IQ.ver.cen | schoolNR)", NA),
  c("interactions of three factors", "npk", "yield ~ N * P * K + (1 | block)", NA),
  c("interactions in a split plot", "Alfalfa", "Yield ~ Variety * Date + (1 | Block/Variety)", NA),
  c("interaction with a log", "CO2", "uptake ~ Type * Treatment + Treatment:log(conc) + log(conc) + (log(conc) | Plant)", NA),
  c("weights, singular", "Loblolly", "height ~ age + (age | Seed)", "w"),
  c("weights, unbalanced", "RatPupWeight", "weight ~ sex + (1 | Litter)", "Lsize"),
  c("weights, crossed", "barley", "yield ~ variety + (1 | site) + (1 | year)", "w"),
  c("weights, correlated slope", "sleepstudy", "Reaction ~ Days + (Days | Subject)", "w"),
  c("weights, two crossed factors", "Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "w"),
  c("offset", "sleepstudy", "Reaction ~ Days + offset(o) + (Days | Subject)", NA),
  c("a number that is also a label", "BodyWeight", "weight ~ Time * Diet + (Time | Rat) + (1 | Time)", NA),
  c("offset", "Oxboys", "height ~ age + offset(o) + (age | Subject)", NA),
  c("offset of a log", "CO2", "uptake ~ Type + offset(log(conc)) + (1 | Plant)", NA),
  c("offset and weights, nested", "Oats", "yield ~ nitro + offset(20 * nitro) + (1 | Block/Variety)", "w")
)
names(models) <- c("kind", "name", "formula", "weights")

used <- function(name) {
  mine <- models[models$name == name, ]
  unique(c(unlist(lapply(mine$formula, function(f) all.vars(as.formula(f)))), na.omit(mine$weights)))
}
stored <- function(name) file.path("lme4_r", paste0(name, ".csv"))
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e6), calc.derivs = FALSE)

answer <- function(kind, name, formula, weights) {
  data <- read.csv(stored(name))
  data$.weight <- if (is.na(weights)) rep(1, nrow(data)) else data[[weights]]
  from_start <- function(reml, start) suppressWarnings(suppressMessages(
    lmer(as.formula(formula), data, REML = reml, weights = .weight, control = control, start = start)))
  best <- function(reml) {  # of three starting points: bobyqa alone may stop at an sd of 0, or at a lower maximum
    first <- from_start(reml, NULL)
    found <- c(first, lapply(c(0.1, 10), function(size) from_start(reml, size * (getME(first, "lower") == 0) + 0.03)))
    found[[which.max(sapply(found, function(m) as.numeric(logLik(m))))]]
  }
  m <- best(TRUE)
  v <- as.data.frame(VarCorr(m))
  list(kind = kind, name = name, formula = formula, weights = weights, n = nobs(m), groups = as.list(ngrps(m)), fixef = as.list(fixef(m)), 
       fixef_se = as.list(sqrt(diag(as.matrix(vcov(m))))), varcorr = v[, c("grp", "var1", "var2", "sdcor")], sigma = sigma(m), loglik_reml = as.numeric(logLik(m)),
       loglik_ml = as.numeric(logLik(best(FALSE))), aic = AIC(m), bic = BIC(m), singular = isSingular(m),
       coef_head = lapply(coef(m), first_groups))
}

first_groups <- function(d) cbind(level = head(rownames(d), 3), head(d, 3), row.names = NULL)

dir.create("lme4_r", showWarnings = FALSE)
for (name in names(frames)) write.csv(frames[[name]][, used(name)], stored(name), row.names = FALSE, quote = FALSE)
made <- list(R = R.version.string, lme4 = as.character(packageVersion("lme4")),
             models = lapply(seq_len(nrow(models)), function(i) do.call(answer, as.list(models[i, ]))))
write(toJSON(made, digits = 12, auto_unbox = TRUE, pretty = TRUE, na = "null"), "lme4_r.json")
