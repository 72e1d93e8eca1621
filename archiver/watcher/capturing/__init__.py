"""WHAT IS THERE NOW: list a source, judge the listing, turn it into history, look after that."""
