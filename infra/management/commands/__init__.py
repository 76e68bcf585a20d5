"""manage.py commands of the installation."""
