from dockmesh.cli.main import run

run()
