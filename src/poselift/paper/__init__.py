"""Tables, figures, numbers and the paper folder."""
