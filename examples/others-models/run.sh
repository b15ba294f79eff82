: "${BLINDSPOTS_DATA:?expected the folder that holds MNIST/raw and models, see the page}"
ln -sfn "$BLINDSPOTS_DATA/models" models
blindspots run config.yaml
