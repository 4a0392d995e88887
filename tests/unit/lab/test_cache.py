from pathlib import Path

import pytest

from dockmesh.lab import cache
from dockmesh.lab.release import DEFAULT, Release


def build(folder: Path) -> None:
    folder.mkdir()
    (folder / "whole").touch()


def fail(folder: Path) -> None:
    folder.mkdir()
    raise KeyboardInterrupt


def test_a_folder_is_built_once(tmp_path: Path) -> None:
    cache.ensure_folder(tmp_path / "image", build)
    cache.ensure_folder(tmp_path / "image", fail)

    assert (tmp_path / "image/whole").exists()


def test_an_interrupted_build_counts_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cache.ensure_folder(tmp_path / "image", fail)
    assert not (tmp_path / "image").exists()

    assert (cache.ensure_folder(tmp_path / "image", build) / "whole").exists()


@pytest.mark.parametrize("name", ["RECIPE", "BARE_PACKAGES", "OFFERED_PACKAGES"])
def test_the_key_changes_with_all_that_an_image_is_made_of(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.image_key(DEFAULT)
    monkeypatch.setattr(cache, name, "other")

    assert cache.image_key(DEFAULT) != before


def test_the_key_changes_with_a_file_of_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "IMAGE_FILES", tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/issue").write_text("one")
    before = cache.image_key(DEFAULT)
    (tmp_path / "etc/issue").write_text("two")

    assert cache.image_key(DEFAULT) != before


def test_each_release_has_images_of_its_own() -> None:
    assert len({cache.image_key(release) for release in Release}) == len(Release)


def test_bare_means_bare() -> None:
    assert not set(cache.BARE_PACKAGES) & set(cache.OFFERED_PACKAGES)
    assert not any("openvswitch" in name or "docker" in name for name in cache.BARE_PACKAGES)


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")

    assert cache.cache_folder(DEFAULT).parent == Path("/elsewhere/dockmesh/lab")
