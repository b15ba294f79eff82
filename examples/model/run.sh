python make_weights.py    # stands in for whoever trained your networks
python -m snakemake --snakefile "$BLINDSPOTS/Snakefile" --cores all --configfile config.yaml
