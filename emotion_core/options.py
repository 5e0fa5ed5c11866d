"""Values of options that more than one command takes."""

import argparse


def frames_a_second(text: str) -> float:
    """A rate above 0; argparse.ArgumentTypeError for another."""
    rate = float(text)
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError("give frames a second, above 0")
    return rate
