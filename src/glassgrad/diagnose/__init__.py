"""What is wrong with a network, from evidence. Layer L9."""

from glassgrad.diagnose.detective import nan_detective as nan_detective
