# One fit of the exam model by an R package; its numbers as a line of JSON. Called by peers.py:
#   Rscript benchmarks/peers.R lme4|brms|rstanarm hlm/data/sets/exam.csv draws tune chains seed
# The Stan packages: seconds of the whole call (compiling included), of sampling alone (the slowest chain), and the
# smallest bulk effective sample size of the same parameters that peers.py looks at.

arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
exam <- read.csv(arguments[2], colClasses = c(school = "factor"))
numbers <- as.integer(arguments[3:6])
draws <- numbers[1]; tune <- numbers[2]; chains <- numbers[3]; seed <- numbers[4]
cores <- min(chains, parallel::detectCores())
formula <- post ~ pre + (pre | school)

seconds <- function(code) unname(system.time(code)["elapsed"])

# kept: a pattern for the parameters to look at; dropped: one for those among them to leave out
stan <- function(stanfit, total, kept, dropped) {
  values <- as.array(stanfit)  # iterations x chains x parameters
  names <- dimnames(values)[[3]]
  values <- values[, , grepl(kept, names) & !grepl(dropped, names), drop = FALSE]
  stopifnot(dim(values)[3] >= 2 * nlevels(exam$school) + 6)  # effects, 2 coefficients, 3 (co)variances, sigma
  list(
    seconds = total,
    sampling = max(rowSums(rstan::get_elapsed_time(stanfit))),
    ess = min(apply(values, 3, rstan::ess_bulk))
  )
}

with_lme4 <- function() {
  suppressPackageStartupMessages(library(lme4))
  first <- seconds(lmer(formula, exam))
  list(first = first, seconds = median(replicate(5, seconds(lmer(formula, exam)))))
}

with_brms <- function() {
  suppressPackageStartupMessages(library(brms))
  total <- seconds(
    fit <- brm(formula, exam, chains = chains, iter = tune + draws, warmup = tune, cores = cores, seed = seed, refresh = 0)
  )
  stan(fit$fit, total, kept = "^(b_|sd_|cor_|r_|sigma$)", dropped = "^$")
}

with_rstanarm <- function() {
  suppressPackageStartupMessages(library(rstanarm))
  total <- seconds(
    fit <- stan_lmer(formula, exam, chains = chains, iter = tune + draws, warmup = tune, cores = cores, seed = seed,
                     refresh = 0)
  )
  stan(fit$stanfit, total, kept = "^(\\(Intercept\\)$|pre$|sigma$|b\\[|Sigma\\[)", dropped = "_NEW_")
}

found <- switch(package, lme4 = with_lme4(), brms = with_brms(), rstanarm = with_rstanarm())
cat("\n{", paste0('"', names(found), '": ', format(unlist(found), digits = 8), collapse = ", "), "}\n", sep = "")
