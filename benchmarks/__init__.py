"""Our attacks against public ones, run on purpose and never in the test suite."""
