"""Look at everything that the site stands on, and say what is wrong and how to mend it; one module per concern."""
