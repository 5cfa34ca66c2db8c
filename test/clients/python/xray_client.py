"""Traces with the AWS X-Ray SDK for Python what TestXRay asks for:
python xray_client.py DAEMON"""

import sys
import time

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.models import http

xray_recorder.configure(service="python-shop", daemon_address=sys.argv[1], context_missing="RUNTIME_ERROR", streaming_threshold=3)


@xray_recorder.capture("charge")
def charge():
    raise ValueError("card declined")


def request():
    segment = xray_recorder.begin_segment("python-shop", sampling=None)
    segment.set_user("user-9")
    segment.put_http_meta(http.METHOD, "GET")
    segment.put_http_meta(http.URL, "http://shop.example/cart?id=7")
    segment.put_http_meta(http.USER_AGENT, "clients-test")
    segment.put_http_meta(http.CLIENT_IP, "203.0.113.9")
    segment.put_http_meta(http.X_FORWARDED_FOR, True)
    segment.put_annotation("customer", "c-17")
    segment.put_annotation("items", 3)
    segment.put_annotation("express", True)
    segment.put_metadata("lines", [{"sku": "<a&b>", "price": 2.5}], "cart")

    try:
        charge()
    except ValueError:
        pass

    table = xray_recorder.begin_subsegment("DynamoDB", namespace="aws")
    table.set_aws({"operation": "UpdateItem", "region": "eu-west-1", "table_name": "carts", "request_id": "r-1", "retries": 0})
    table.put_http_meta(http.STATUS, 200)
    table.apply_status_code(200)
    xray_recorder.end_subsegment()

    with xray_recorder.in_subsegment("shop@db.example", namespace="remote") as query:
        query.set_sql({"database_type": "Postgres", "user": "app", "sanitized_query": "SELECT * FROM cart WHERE id = $1"})

    # More subsegments than the threshold: they are sent apart, before the segment.
    for n in range(5):
        with xray_recorder.in_subsegment("step %d" % n):
            pass

    segment.put_http_meta(http.STATUS, 503)
    segment.apply_status_code(503)
    xray_recorder.end_segment()


for _ in range(2):  # before and after the rules are known
    request()
    time.sleep(0.5)  # they are asked for beside
