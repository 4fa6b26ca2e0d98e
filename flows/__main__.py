"""`python -m flows`: the console script where the package is not installed."""

from flows.cli import app

if __name__ == "__main__":
    app(prog_name="pipeline")
