"""What is published of an archive: a site, feeds, a review, files for machines."""
