"""Call control over REST (wire document, 7.3): a person's calls, from wherever the person is."""
