"""An S3-compatible server that checks signatures, and what it holds.

    server.py

The first line has its port, and the access key and the secret key of a user who may put and look at objects in the bucket
`evidence`, which keeps what is locked. Then each line of standard input is a command:

    dump DIR     every object goes to DIR, by its name; an answer line has names and locks
"""

import json
import logging
import os
import sys

os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

import boto3
from moto import settings
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
place = dict(
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name="eu-central-1",
    aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
    aws_secret_access_key="not-checked-yet",
)
s3 = boto3.client("s3", **place)
s3.create_bucket(
    Bucket="evidence",
    ObjectLockEnabledForBucket=True,
    CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
)
iam = boto3.client("iam", **place)
iam.create_user(UserName="palisade")
statement = {"Effect": "Allow", "Action": ["s3:PutObject*", "s3:GetObject*", "s3:HeadObject"], "Resource": "*"}
policy = {"Version": "2012-10-17", "Statement": [statement]}
iam.put_user_policy(UserName="palisade", PolicyName="ship", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="palisade")["AccessKey"]
iam.create_user(UserName="auditor")
statement = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}
policy = {"Version": "2012-10-17", "Statement": [statement]}
iam.put_user_policy(UserName="auditor", PolicyName="read", PolicyDocument=json.dumps(policy))
auditor = iam.create_access_key(UserName="auditor")["AccessKey"]
place.update(
    aws_access_key_id=auditor["AccessKeyId"], aws_secret_access_key=auditor["SecretAccessKey"]
)
s3 = boto3.client("s3", **place)
# The users were made without a signature that was checked; all that comes from here on needs one.
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0


def say(**what):
    print(json.dumps(what), flush=True)


def dump(folder):
    held = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="evidence"):
        for version in page.get("Versions", []):
            name = version["Key"]
            found = s3.get_object(Bucket="evidence", Key=name, VersionId=version["VersionId"])
            one = held.setdefault(name, {"versions": 0})
            one["versions"] += 1
            one["lock"] = found.get("ObjectLockMode")
            until = found.get("ObjectLockRetainUntilDate")
            one["until"] = until and until.isoformat()
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(found["Body"].read())
    say(objects=held)


say(port=port, access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    if command == "dump":
        dump(argument)
