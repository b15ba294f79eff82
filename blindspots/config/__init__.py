"""Read and check configs, find the methods that they name, and hash the code that these reach."""
