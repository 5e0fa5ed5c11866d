"""REST: routes, their limits, pictures, videos and their documentation."""
