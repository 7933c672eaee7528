# lme4's answers for mixed models that R's help pages, vignettes and books of examples fit, each on its own data set.
# Writes answers.json and data/<name>.csv.gz. Run in this folder: Rscript answers.R
# lme4 reads the same CSV as hlm, so that both have the same digits; text columns are factors with sorted levels.
# README.md says what each data set is. agridat, faraway, languageR and SASmixed came from their public repositories.
suppressMessages({library(lme4); library(jsonlite)})
invisible(Sys.setlocale("LC_COLLATE", "C"))

from <- function(d) as.data.frame(lapply(as.data.frame(d), function(v) if (is.factor(v)) as.character(v) else as.vector(v)))
set <- function(package, name) {  # a data set of a package, factors as text
  e <- new.env()
  suppressWarnings(data(list = name, package = package, envir = e))
  from(if (exists(name, e)) get(name, e) else getExportedValue(package, name))
}
labelled <- function(d, ...) {  # numbers that are labels become text
  for (name in c(...)) {
    number <- suppressWarnings(as.integer(d[[name]]))
    if (!anyNA(number)) d[[name]] <- paste0(tolower(substr(name, 1, 1)), sprintf("%02d", number))
  }
  d
}
agridat <- function(name, ...) labelled(set("agridat", name), ...)

# what the help pages do to their data before they fit
nlschools <- set("MASS", "nlschools")
nlschools$IQave <- ave(nlschools$IQ, nlschools$class)
nlschools$IQ <- nlschools$IQ - nlschools$IQave
btheb <- set("HSAUR3", "BtheB")
btheb$subject <- sprintf("s%03d", seq_len(nrow(btheb)))
btheb <- reshape(btheb, idvar = "subject", varying = c("bdi.2m", "bdi.3m", "bdi.5m", "bdi.8m"), v.names = "bdi",
                 timevar = "time", times = c(2, 3, 5, 8), direction = "long")
orthodont <- set("nlme", "Orthodont")
orthodont$nsex <- as.numeric(orthodont$Sex == "Male")
orthodont$nsexage <- orthodont$nsex * orthodont$age
sleepstudy <- set("lme4", "sleepstudy")
sleepstudy$Days2 <- sleepstudy$Days
wateruse <- subset(agridat("harris.wateruse"), species == "S2" & age == "A2")
wateruse <- transform(wateruse, ti = day / 100, ti2 = (day / 100)^2)
springwheat <- transform(agridat("perry.springwheat"), y = yield / 100, yorc = yor - 1800)
battese <- agridat("battese.survey")
psid <- transform(set("faraway", "psid"), cyear = year - 78)
jsp <- subset(set("faraway", "jsp"), year == 2)
lexdec <- subset(set("languageR", "lexdec"), Correct == "correct")
hsaur_resp <- set("HSAUR3", "respiratory")
hsaur_resp <- merge(subset(hsaur_resp, month != "0"), setNames(subset(hsaur_resp, month == "0")[c("subject", "status")], c("subject", "baseline")))
grunfeld <- labelled(set("plm", "Grunfeld"), "firm")
multilocsplitplot <- transform(agridat("gomez.multilocsplitplot"), nf = sprintf("n%03d", nitro))
turnip <- transform(agridat("mcconway.turnip"), densf = paste0("d", density))
epil <- set("MASS", "epil")
epil$lbase <- log(epil$base / 4)
epil$lage <- log(epil$age)
epil$V4 <- as.numeric(epil$period == 4)
epil[c("lbase", "lage")] <- lapply(epil[c("lbase", "lage")], function(v) signif(v - mean(v), 8))
contraception <- set("mlmRev", "Contraception")
bacteria <- set("MASS", "bacteria")
bacteria$late <- as.numeric(bacteria$week > 2)

frames <- list(
  # nlme, MASS, datasets
  Orthodont = orthodont, Dialyzer = set("nlme", "Dialyzer"), Ovary = set("nlme", "Ovary"), IGF = set("nlme", "IGF"),
  Machines = labelled(set("nlme", "Machines"), "Worker"), Oats = set("nlme", "Oats"), Oxide = set("nlme", "Oxide"),
  Wafer = set("nlme", "Wafer"), Pixel = set("nlme", "Pixel"), ergoStool = labelled(set("nlme", "ergoStool"), "Subject"), Rail = set("nlme", "Rail"),
  Assay = labelled(set("nlme", "Assay"), "dilut"), bdf = set("nlme", "bdf"),
  nlschools = nlschools, oats = set("MASS", "oats"), petrol = set("MASS", "petrol"), npk = labelled(set("datasets", "npk"), "block", "N", "P", "K"),
  ChickWeight = labelled(set("datasets", "ChickWeight"), "Diet"), bacteria = bacteria, epil = epil,
  # lme4, lmerTest, pbkrtest, mlmRev
  sleepstudy = sleepstudy, Dyestuff2 = set("lme4", "Dyestuff2"), Penicillin = set("lme4", "Penicillin"),
  Pastes = set("lme4", "Pastes"), cake = labelled(set("lme4", "cake"), "replicate"), cbpp = labelled(set("lme4", "cbpp"), "period"),
  TVbo = labelled(set("lmerTest", "TVbo"), "Assessor", "Picture"), carrots = set("lmerTest", "carrots"),
  ham = labelled(set("lmerTest", "ham"), "Consumer", "Product", "Information", "Gender"), beets = set("pbkrtest", "beets"),
  Exam = labelled(set("mlmRev", "Exam"), "school"), Oxboys = set("mlmRev", "Oxboys"), ScotsSec = set("mlmRev", "ScotsSec"),
  Contraception = contraception, Mmmec = set("mlmRev", "Mmmec"),
  # afex, BayesFactor, carData, emmeans, HSAUR3, plm
  md_12.1 = labelled(set("afex", "md_12.1"), "id", "angle", "noise"), md_15.1 = labelled(set("afex", "md_15.1"), "id", "timecat"),
  md_16.1 = labelled(set("afex", "md_16.1"), "id", "sex"), md_16.4 = labelled(set("afex", "md_16.4"), "room", "cond"), obk.long = labelled(set("afex", "obk.long"), "hour", "id"),
  puzzles = set("BayesFactor", "puzzles"), Blackmore = set("carData", "Blackmore"), feedlot = set("emmeans", "feedlot"),
  BtheB = btheb, respiratory = labelled(hsaur_resp, "centre"), Grunfeld = grunfeld,
  # SASmixed
  AvgDailyGain = set("SASmixed", "AvgDailyGain"), BIB = labelled(set("SASmixed", "BIB"), "Treatment", "Grp"),
  Bond = set("SASmixed", "Bond"), Cultivation = set("SASmixed", "Cultivation"), Demand = set("SASmixed", "Demand"),
  Genetics = labelled(set("SASmixed", "Genetics"), "Family"), HR = set("SASmixed", "HR"),
  Mississippi = labelled(set("SASmixed", "Mississippi"), "Type"), Multilocation = labelled(set("SASmixed", "Multilocation"), "Trt"),
  PBIB = labelled(set("SASmixed", "PBIB"), "Treatment"), SIMS = set("SASmixed", "SIMS"), Semi2 = labelled(set("SASmixed", "Semi2"), "Source"),
  Semiconductor = labelled(set("SASmixed", "Semiconductor"), "ET", "position"), Weights = set("SASmixed", "Weights"),
  # faraway, languageR
  pulp = set("faraway", "pulp"), penicillin = set("faraway", "penicillin"), irrigation = set("faraway", "irrigation"),
  eggs = set("faraway", "eggs"), abrasion = set("faraway", "abrasion"), jsp = labelled(jsp, "social"), psid = psid,
  vision = set("faraway", "vision"), choccake = labelled(set("faraway", "choccake"), "recipe", "batch"),
  ctsib = transform(set("faraway", "ctsib"), stable = as.numeric(CTSIB == 1)), epilepsy = set("faraway", "epilepsy"), ohio = set("faraway", "ohio"),
  lexdec = lexdec, latinsquare = set("languageR", "latinsquare"), quasif = set("languageR", "quasif"),
  primingHeid = set("languageR", "primingHeid"),
  # agridat
  archbold.apple = transform(agridat("archbold.apple", "trt"), mp = paste0(row, spacing), sp = paste0(row, spacing, stock)),
  battese = battese, battese_88 = subset(battese, !(county == "Hardin" & soyhect < 30)),
  becker.chicken = agridat("becker.chicken"), brandle.rape = agridat("brandle.rape", "year"), burgueno.alpha = agridat("burgueno.alpha"),
  cochran.lattice = agridat("cochran.lattice"), cox.stripsplit = agridat("cox.stripsplit"), multilocsplitplot = multilocsplitplot,
  gomez.splitsplit = agridat("gomez.splitsplit"), gomez.stripplot = transform(agridat("gomez.stripplot"), nf = sprintf("n%03d", nitro)),
  gomez.wetdry = agridat("gomez.wetdry"), hanover.whitepine = agridat("hanover.whitepine"), wateruse = wateruse,
  harville.lamb = agridat("harville.lamb", "line", "damage", "sire"), holshouser = agridat("holshouser.splitstrip", "spacing", "pop"),
  ilri.sheep = agridat("ilri.sheep", "year"), jayaraman.bamboo = agridat("jayaraman.bamboo"), john.alpha = agridat("john.alpha"),
  kenward.cattle = agridat("kenward.cattle"),
  lehner.soybeanmold = agridat("lehner.soybeanmold"), turnip = turnip, omer.sorghum = agridat("omer.sorghum"),
  pearce.apple = agridat("pearce.apple"), springwheat = springwheat, snedecor.asparagus = agridat("snedecor.asparagus", "year"),
  stroup.splitplot = agridat("stroup.splitplot"), stroup.nin = agridat("stroup.nin"), theobald.covariate = agridat("theobald.covariate", "year"),
  urquhart.feedlot = agridat("urquhart.feedlot"), dry_matter = agridat("vaneeuwijk.drymatter", "year"), yates.oats = agridat("yates.oats"),
  kling.augmented = agridat("kling.augmented"), hessianfly = agridat("gotway.hessianfly"), jansen.carrot = agridat("jansen.carrot"),
  wireworms = agridat("cochran.wireworms")
)

models <- read.csv("models.csv", na.strings = "")
used <- function(name) {
  mine <- models[models$data == name, ]
  all <- unique(c(unlist(lapply(mine$formula, function(f) all.vars(as.formula(f)))), na.omit(mine$weights)))
  intersect(all, names(frames[[name]]))
}
stored <- function(name) file.path("data", paste0(name, ".csv.gz"))
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e6), calc.derivs = FALSE, check.nobs.vs.nRE = "ignore",
                       check.nobs.vs.rankZ = "ignore")
general <- glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 1e5))

fitted_by <- function(formula, data, family, weights, reml) {
  data$.weight <- if (is.na(weights)) rep(1, nrow(data)) else data[[weights]]
  if (family != "gaussian") {
    bars <- findbars(as.formula(formula))
    nodes <- if (length(bars) == 1 && identical(bars[[1]][[2]], 1)) 25 else 1  # Laplace's approximation is poor in small groups
    return(suppressWarnings(suppressMessages(glmer(as.formula(formula), data, family = sub("bernoulli", "binomial", family),
                                                   weights = .weight, nAGQ = nodes, control = general))))
  }
  from_start <- function(start) suppressWarnings(suppressMessages(
    lmer(as.formula(formula), data, REML = reml, weights = .weight, control = control, start = start)))
  first <- from_start(NULL)  # of three starting points: bobyqa alone may stop at an sd of 0, or at a lower maximum
  found <- c(first, lapply(c(0.1, 10), function(size) from_start(size * (getME(first, "lower") == 0) + 0.03)))
  found[[which.max(sapply(found, function(m) as.numeric(logLik(m))))]]
}

squares <- function(row, data) {  # of the common terms alone, on the same rows
  if (row$family != "gaussian") return(NULL)
  formula <- as.formula(row$formula)
  rows <- complete.cases(data[intersect(all.vars(formula), names(data))])
  as.list(na.omit(coef(lm(nobars(formula), data[rows, ]))))
}

answer <- function(i) {
  row <- models[i, ]
  data <- read.csv(stored(row$data), stringsAsFactors = TRUE)
  m <- fitted_by(row$formula, data, row$family, row$weights, TRUE)
  ml <- if (row$family == "gaussian") as.numeric(logLik(fitted_by(row$formula, data, row$family, row$weights, FALSE))) else NA
  v <- as.data.frame(VarCorr(m))
  v$grp <- sub("\\.[0-9]+$", "", v$grp)  # lme4 numbers the blocks of a factor, and may write a.b for a:b
  known <- match(v$grp, make.names(names(ngrps(m))))
  v$grp <- ifelse(is.na(known), v$grp, names(ngrps(m))[known])
  list(package = row$package, page = row$page, name = row$data, formula = row$formula, weights = row$weights, family = row$family,
       kind = row$kind, n = nobs(m), groups = as.list(ngrps(m)), fixef = as.list(fixef(m)),
       fixef_se = as.list(sqrt(diag(as.matrix(vcov(m))))), least_squares = squares(row, data), dropped = I(as.character(names(attr(getME(m, "X"), "col.dropped")))),
       varcorr = v[, c("grp", "var1", "var2", "sdcor")], sigma = sigma(m),
       loglik_reml = as.numeric(logLik(m)), loglik_ml = ml, singular = isSingular(m))
}

dir.create("data", showWarnings = FALSE)
for (name in unique(models$data)) {
  file <- gzfile(stored(name), compression = 9)
  write.csv(frames[[name]][, used(name), drop = FALSE], file, row.names = FALSE, quote = FALSE)
}
versions <- sapply(unique(c("lme4", models$package)), function(p) as.character(packageVersion(p)))
made <- list(R = R.version.string, versions = as.list(versions), models = lapply(seq_len(nrow(models)), answer))
write(toJSON(made, digits = 10, auto_unbox = TRUE, pretty = 1, na = "null"), "answers.json")
