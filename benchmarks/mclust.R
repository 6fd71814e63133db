# The number of profiles that mclust takes, by BIC over its 14 models and G = 1..6, of each csv in a
# folder of scores that verdict.py wrote:
#   python benchmarks/verdict.py scores 20 200 FOLDER      (surveys a cell, units)
#   Rscript benchmarks/mclust.R FOLDER                     (Debian: r-cran-mclust)
suppressMessages(library(mclust))
folder <- commandArgs(trailingOnly = TRUE)[1]
files <- list.files(folder, "csv$", full.names = TRUE)
start <- proc.time()[1]
for (file in files) {
  fit <- Mclust(as.matrix(read.csv(file)), G = 1:6, verbose = FALSE)
  cat(tools::file_path_sans_ext(basename(file)), fit$G, fit$modelName, sep = ";")
  cat("\n")
}
cat("mclust", as.character(packageVersion("mclust")), round(proc.time()[1] - start), "CPU s for",
    length(files), "surveys\n", file = stderr())
