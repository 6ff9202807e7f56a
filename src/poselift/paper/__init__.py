"""Tables, figures, numbers and the paper folder, all made from one tidy table of results."""
