from dockmesh.undo.docker_rules import without_docker

SAVED = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [3:180]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
:OPERATORS - [0:0]
-A INPUT -i docker0 -p tcp -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A FORWARD -i eth0 -o docker0 -j DROP
-A DOCKER-USER -j RETURN
-A OPERATORS -s 203.0.113.9/32 -j DROP
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
"""


def test_rules_of_docker_go_and_those_of_others_stay() -> None:
    assert (
        without_docker(SAVED, forwarded=True)
        == """\
*filter
-D FORWARD -j DOCKER-USER
-D FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-D FORWARD -o docker0 -j DOCKER
-D FORWARD -i docker0 ! -o docker0 -j ACCEPT
-D FORWARD -i docker0 -o docker0 -j ACCEPT
-F DOCKER
-F DOCKER-USER
-X DOCKER
-X DOCKER-USER
COMMIT
*nat
-D POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-F DOCKER
-X DOCKER
COMMIT
"""
    )


def test_policy_that_docker_set_goes_with_it() -> None:
    assert ":FORWARD ACCEPT [0:0]\n" in without_docker(SAVED, forwarded=False)


def test_chain_of_the_user_stays_with_its_rules() -> None:
    saved = SAVED.replace("-A DOCKER-USER -j RETURN\n", "-A DOCKER-USER -s 203.0.113.1/32 -j DROP\n")

    script = without_docker(saved, forwarded=True)

    assert "DOCKER-USER" not in script
    assert "-X DOCKER\n" in script


def test_where_there_is_no_docker_nothing_is_to_be_done() -> None:
    assert without_docker("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n", forwarded=False) == ""
