"""What the results say: numbers, intervals, differences, claims, costs."""
