"""The peers: for each a file NAME.txt with what its virtual environment holds, and NAME_app.py where it takes an app.

The apps run in those environments only, and import nothing of tenfold. Each does what its project's documentation
recommends for a scikit-learn model, without access logs, and answers {"rows": [[...]]} with the predicted labels.
"""
