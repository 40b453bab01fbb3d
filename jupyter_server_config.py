"JupyterLab started in this folder saves notebooks as `nbdev-clean` writes them: looking at one changes nothing in git"
from nbdev.clean import clean_jupyter

c = get_config()  # noqa: F821 (Jupyter gives it)
c.ContentsManager.pre_save_hook = clean_jupyter
