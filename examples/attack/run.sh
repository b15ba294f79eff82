python -m snakemake --snakefile "$BLINDSPOTS/Snakefile" --cores all --configfile config.yaml
