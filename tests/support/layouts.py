"""The same mesh of two hosts, host1 and host2, in many layouts."""

HEAD = """\
# Ours.
name: prod
networks:
  - {name: docker0, prefix: 172.17.0.0/16}  # all

"""
ONE = "{underlay: 1.1.1.1, address: 172.17.42.1, pool: 172.17.64.0/18}"
TWO = "{underlay: 1.1.1.2, address: 172.17.42.2, pool: 172.17.128.0/18}"

LAYOUTS = {
    "lines": f"{HEAD}hosts:\n  host1: {ONE}\n  host2: {TWO}  # two\n  # host7 was here\n# the end\n",
    "columns": HEAD
    + "hosts:\n"
    + "  host1:     {underlay: 1.1.1.1,     address: 172.17.42.1,   pool: 172.17.64.0/18}\n"
    + "  host2:     {underlay: 1.1.1.2,     address: 172.17.42.2,   pool: 172.17.128.0/18}\n",
    "no-newline-at-the-end": f"{HEAD}hosts:\n  host1: {ONE}\n  host2: {TWO}",
    "comment-without-newline-at-the-end": f"{HEAD}hosts:\n  host1: {ONE}\n  host2: {TWO}\n    # deep",
    "hosts-first": f"hosts:\n  host1: {ONE}\n  host2: {TWO}\n\n{HEAD}",
    "comments-above": f"{HEAD}hosts:\n  # all in rack 1\n  host1: {ONE}\n  host2: {TWO}\n",
    "comments-above-each": f"{HEAD}hosts:\n  # one\n  host1: {ONE}\n  # two,\n  # the database\n  host2: {TWO}\n",
    "blocks": HEAD
    + "hosts:\n"
    + "  host1:\n    underlay: 1.1.1.1  # eth0\n    pool: 172.17.64.0/18\n    address: 172.17.42.1\n    # deep\n"
    + "  host2:\n    underlay: 1.1.1.2\n    pool: 172.17.128.0/18\n    address: 172.17.42.2\n    # deep\n"
    + "  # same\n",
    "blocks-with-gaps": HEAD
    + "hosts:\n\n"
    + "  host1:\n    underlay: '1.1.1.1'\n    address:  '172.17.42.1'\n    pool:     172.17.64.0/18\n\n"
    + "  host2:\n    underlay: '1.1.1.2'\n    address:  '172.17.42.2'\n    pool:     172.17.128.0/18\n\n"
    + "# tail\n",
    "flow-in-one-line": f"{HEAD}hosts: {{host1: {ONE}, host2: {TWO}}}\n",
    "flow-in-lines": f"{HEAD}hosts: {{\n  host1: {ONE},  # one\n  host2: {TWO}  # two\n}}\n",
    "flow-with-a-last-comma": f"{HEAD}hosts: {{\n  host1: {ONE},\n  host2: {TWO},  # two\n}}\n",
    "wrapped": f"{HEAD}hosts:\n  host1: {ONE}\n  host2: {TWO.replace('pool', '# and' + chr(10) + '      pool')}\n",
    "windows": f"{HEAD}hosts:\n  host1: {ONE}\n  host2: {TWO}\n".replace("\n", "\r\n"),
    "windows-without-newline-at-the-end": f"{HEAD}hosts:\n  host1: {ONE}\n  host2: {TWO}".replace("\n", "\r\n"),
    "byte-order-mark": f"\ufeff{HEAD}hosts:\n  host1: {ONE}\n  host2: {TWO}\n",
    "document-marks": f"---\n{HEAD}hosts:\n  host1: {ONE}\n  host2: {TWO}\n...\n",
    "json": '{"name": "prod", "networks": [{"name": "docker0", "prefix": "172.17.0.0/16"}], "hosts": {\n'
    '  "host1": {"underlay": "1.1.1.1", "address": "172.17.42.1", "pool": "172.17.64.0/18"},\n'
    '  "host2": { "underlay": "1.1.1.2", "address": "172.17.42.2", "pool": "172.17.128.0/18" }\n}}\n',
    "quoted-names": f"{HEAD}hosts:\n  \"host1\": {ONE}\n  'host2': {TWO}\n",
    "repeated-value": HEAD
    + f"hosts:\n  host1: {ONE[:-1]}, ssh: &admin {{user: ann}}}}\n  host2: {TWO[:-1]}, ssh: *admin}}\n",
    "links-in-lines": f"{HEAD}fabric:\n  topology:\n    links:\n      - [host1, host2]  # direct\n"
    f"hosts:\n  host1: {ONE}\n  host2: {TWO}\n",
    "sites-in-lines": f"{HEAD}fabric:\n  topology:\n    sites:\n      here: [host1]\n      there:\n"
    f"        - 'host2'  # old\nhosts:\n  host1: {ONE}\n  host2: {TWO}\n",
    "sites-in-one-line": f"{HEAD}fabric: {{topology: {{sites: {{here: [host1], there: [host2]}}}}}}\n"
    f"hosts:\n  host1: {ONE}\n  host2: {TWO}\n",
    "links-in-one-line": f"{HEAD}fabric: {{topology: {{links: [[host1, host2]]}}}}\n"
    f"hosts:\n  host1: {ONE}\n  host2: {TWO}\n",
}
