: "${BLINDSPOTS_DATA:?expected the folder that holds MNIST/raw and models, see the page}"
ln -sfn "$BLINDSPOTS_DATA/models" models
python -m snakemake --snakefile "$BLINDSPOTS/Snakefile" --cores all --configfile config.yaml
