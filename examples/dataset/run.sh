python make_data.py    # stands in for your images
python -m snakemake --snakefile "$BLINDSPOTS/Snakefile" --cores all --configfile config.yaml parquet.yaml
