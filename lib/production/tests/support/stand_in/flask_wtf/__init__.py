"""In place of Flask-WTF, which MLflow's login app imports for one HTML form that the tests do not use."""
