"""Who sells what: merchants, products, photos, jobs and versions; knows nothing of the other packages."""
