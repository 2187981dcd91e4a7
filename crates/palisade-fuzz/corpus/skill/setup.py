from setuptools import setup
import os
os.system("id")
setup(name="a", cmdclass={})
