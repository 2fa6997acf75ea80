"""Dumps as a source: what is listed, in which order, and from where it goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actors.crawler.resolvers import plan_submission
from actors.crawler.settings import CrawlSettings, Over18
from actors.crawler.sources import SourceError, open_source, parse_source
from models.reasons import Reason
from models.records import Submission
from tests.actors.sources.dump_posts import (
    comment,
    items,
    lines,
    old_post,
    pages,
    post,
    until_broken,
    write,
    zstd,
)
from tests.s3 import Bucket


def names(numbers: range) -> list[str]:
    return [f"t3_p{number}" for number in numbers]


def check(place: object, options: str = "") -> None:
    open_source(parse_source(f"dump:{place}{options}"), CrawlSettings()).check()


def test_a_row_becomes_a_submission_with_what_resolvers_read(tmp_path: Path) -> None:
    path = write(tmp_path / "RS_2023-11.zst", zstd(lines([post(7), old_post(8)])))
    check(path)
    new, old = (one for page in pages(path) for one in page.submissions)
    assert new == Submission(
        item="t3_p7",
        source=f"dump:{path}",
        post=new.post,
        subreddit="EarthPorn",
        author="author0",
        title="Ein schöner See 7 🏔",
        permalink="https://www.reddit.com/r/EarthPorn/comments/p7/title/",
        created=1_700_000_007.0,
        over_18=False,
    )
    assert plan_submission(new, Over18.SKIP).candidates(new.item)[0].urls[0] == "https://i.redd.it/p7.jpg"
    assert (old.item, old.created, old.author, old.reddit_score) == ("t3_o8", 1_200_000_008.0, None, 3)
    assert plan_submission(old, Over18.SKIP).candidates(old.item)[0].urls


@pytest.mark.parametrize("spaced", [False, True])
def test_names_are_told_from_the_bytes_in_any_case(tmp_path: Path, spaced: bool) -> None:
    rows = [
        post(number, ("EarthPorn", "earthpornography", "SkyPorn", "Earth")[number % 4])
        for number in range(200)
    ]
    path = write(tmp_path / "dump.jsonl", lines(rows, spaced=spaced))
    assert items(path, ",subreddit=EARTHPORN") == names(range(0, 200, 4))
    assert items(path, ",subreddit=skyporn+earthporn") == names(range(0, 200, 2))
    assert items(path, ",author=Author3") == names(range(3, 200, 7))
    assert items(path, ",subreddit=earthporn,author=author0+author1") == [
        f"t3_p{number}" for number in range(0, 200, 4) if number % 7 in (0, 1)
    ]
    assert items(path, ",subreddit=nothere") == []


def test_a_crossposts_parent_does_not_make_it_wanted(tmp_path: Path) -> None:
    parent = post(1, "EarthPorn")
    rows = [
        post(2, "Other", crosspost_parent_list=[parent]),
        post(3, crosspost_parent_list=[post(4, "Other")]),
    ]
    path = write(tmp_path / "dump.jsonl", lines(rows))
    assert items(path, ",subreddit=EarthPorn") == ["t3_p3"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (",after=2023-11-14", range(40)),
        (",after=2023-11-15", range(0)),
        (",before=2023-11-15", range(40)),
        (",before=2023", range(0)),
        (",after=1700000010,before=1700000030", range(10, 30)),
        (",after=1700000010,before=1700000030,subreddit=earthporn,limit=5", range(10, 15)),
        (",limit=7", range(7)),
    ],
)
def test_a_range_of_time_and_a_limit_hold(tmp_path: Path, options: str, expected: range) -> None:
    path = write(tmp_path / "dump.jsonl", lines(post(number) for number in range(40)))
    assert items(path, options) == names(expected)


def test_times_are_read_as_strings_too_and_none_is_in_any_range(tmp_path: Path) -> None:
    rows = [old_post(1), old_post(2), post(3, created_utc=None), post(4, created_utc=1_200_000_001.5)]
    path = write(tmp_path / "dump.jsonl", lines(rows))
    assert items(path, ",before=1200000002") == ["t3_o1", "t3_p3", "t3_p4"]


def test_pages_have_a_hundred_posts_and_a_later_run_has_nothing_to_read(tmp_path: Path) -> None:
    path = write(tmp_path / "dump.zst", zstd(lines(post(number) for number in range(250))))
    found = pages(path)
    assert [len(page.submissions) for page in found] == [100, 100, 50, 0, 0]
    assert pages(path, cursor=found[-1].cursor)[0].submissions == ()
    os.utime(path, (1, 1))
    assert items(path, cursor=found[-1].cursor) == names(range(250))


def test_every_cursor_gives_exactly_the_rest(tmp_path: Path) -> None:
    for month, first in (("01", 0), ("02", 230), ("03", 460)):
        rows = [post(number, "EarthPorn" if number % 2 else "Other") for number in range(first, first + 230)]
        write(tmp_path / f"RS_2023-{month}.zst", zstd(lines(rows)))
    for options in ("", ",subreddit=earthporn"):
        whole = items(tmp_path, options)
        seen = 0
        for page in pages(tmp_path, options):
            seen += len(page.submissions)
            assert items(tmp_path, options, page.cursor) == whole[seen:]


def test_a_limit_holds_over_a_restart_and_the_next_run_takes_as_many_again(tmp_path: Path) -> None:
    path = write(tmp_path / "dump.jsonl", lines(post(number) for number in range(300)))
    first, *_, last = pages(path, ",limit=130")
    assert items(path, ",limit=130", first.cursor) == names(range(100, 130))
    second = pages(path, ",limit=130", last.cursor)
    assert [one.item for page in second for one in page.submissions] == names(range(130, 260))
    assert items(path, ",limit=130", second[-1].cursor) == names(range(260, 300))


def test_a_folder_is_read_in_the_order_of_its_names_without_what_is_no_dump(tmp_path: Path) -> None:
    write(tmp_path / "b/RS_2024-02.zst", zstd(lines([post(2)])))
    write(tmp_path / "a/RS_2024-01.jsonl", lines([post(1)]))
    write(tmp_path / "c_submissions.zst", zstd(lines([post(3)])))
    write(tmp_path / "RC_2024-01.zst", zstd(lines([comment(1)])))
    write(tmp_path / "r_EarthPorn_comments.jsonl", lines([comment(2)]))
    write(tmp_path / "unnamed.zst", zstd(lines([comment(3)])))
    write(tmp_path / "README.md", b"# A dump\n")
    write(tmp_path / "hashes.txt", b"")
    write(tmp_path / ".hidden.jsonl", lines([post(9)]))
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to("not/there")
    os.mkfifo(tmp_path / "fifo")
    check(tmp_path)
    assert items(tmp_path) == names(range(1, 4))
    notes = " | ".join(pages(tmp_path)[-1].notes)
    assert "left out RC_2024-01.zst, r_EarthPorn_comments.jsonl: comments have no images" in notes
    assert "left out README.md: they hold no posts" in notes
    assert "left out hashes.txt: they hold nothing" in notes
    assert "left out unnamed.zst: they hold comments" in notes


def test_months_that_cannot_have_what_is_wanted_are_not_opened(tmp_path: Path) -> None:
    for year, month in ((2022, 12), (2023, 10), (2023, 11), (2023, 12), (2024, 1)):
        write(tmp_path / f"reddit/RS_{year}-{month:02d}.jsonl", lines([post(month * 100 + year)]))
    found = pages(tmp_path, ",after=2023-11-14,before=2023-12")
    assert [one.item for page in found for one in page.submissions] == ["t3_p3123", "t3_p3223"]
    (note,) = found[-1].notes
    assert (
        "left out reddit/RS_2022-12.jsonl, reddit/RS_2023-10.jsonl, reddit/RS_2024-01.jsonl: by its name"
        in note
    )


def test_a_file_added_later_is_all_that_is_read_later(tmp_path: Path) -> None:
    write(tmp_path / "RS_2023-01.jsonl", lines([post(1)]))
    last = pages(tmp_path)[-1].cursor
    write(tmp_path / "RS_2023-02.jsonl", lines([post(2)]))
    assert items(tmp_path, cursor=last) == ["t3_p2"]
    write(tmp_path / "RS_2022-12.jsonl", lines([post(0)]))
    assert items(tmp_path, cursor=last) == names(range(3))


def test_lines_that_cannot_be_read_are_rows_and_counted(tmp_path: Path) -> None:
    good = lines([post(1)]).strip()
    strange = [
        b'{"id":"x1","subreddit":"EarthPorn","title":',
        b"not json at all",
        b'["a","list"]',
        b"\0\0\0",
        b'{"id":"x2","subreddit":"EarthPorn"\0}',
        b"[" * 100_000,
        b"",
        b"   ",
    ]
    path = write(
        tmp_path / "dump.jsonl", b"\xef\xbb\xbf" + b"\r\n".join([good, *strange, good.replace(b"p1", b"p2")])
    )
    found = pages(path)
    submissions = [one for page in found for one in page.submissions]
    assert [one.item for one in submissions if one.post] == ["t3_p1", "t3_p2"]
    unreadable = [one for one in submissions if not one.post]
    assert len(unreadable) == 5 and len({one.item for one in unreadable}) == 5
    assert {plan_submission(one, Over18.SKIP).reason for one in unreadable} == {Reason.MALFORMED}
    assert [note for page in found for note in page.notes] == [
        f"dump:{path}: dump.jsonl: 4 lines cannot be read (malformed)"
    ]
    # By name only those count that have it.
    named = [one for page in pages(path, ",subreddit=earthporn") for one in page.submissions]
    assert [bool(one.post) for one in named] == [True, False, False, True]
    assert [one.item for one in named if not one.post] == [unreadable[0].item, unreadable[3].item]


def test_text_that_is_no_unicode_is_read_all_the_same(tmp_path: Path) -> None:
    rows = [
        lines([post(1, title="\ud83d half")], spaced=True),
        lines([post(2)]).replace(b"See", b"S\xffe"),
        lines([post(3)]).replace(b"See", b"S\0e"),
        lines([post(4)]).replace(b"See", b"S\te"),
        lines([post(5, big=10**400)], spaced=True),
    ]
    path = write(tmp_path / "dump.jsonl", b"".join(rows))
    found = [one for page in pages(path, ",subreddit=earthporn") for one in page.submissions]
    assert [one.item for one in found] == names(range(1, 6))
    assert found[0].title == "\\ud83d half" and found[1].title == "Ein schöner S\\udcffe 2 🏔"


def test_comments_among_posts_are_left_out_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path / "dump.jsonl", lines([post(1), comment(1), {"id": "c", "name": "t1_c"}, post(2)]))
    found = pages(path)
    assert [one.item for page in found for one in page.submissions] == ["t3_p1", "t3_p2"]
    assert [note for page in found for note in page.notes] == [
        f"dump:{path}: dump.jsonl: left out 2 comments among its posts"
    ]


def test_a_broken_file_does_not_stop_the_others_and_is_tried_again(tmp_path: Path) -> None:
    for month in (1, 2, 3):
        rows = [post(month * 1000 + number) for number in range(300)]
        write(tmp_path / f"RS_2023-{month:02d}.zst", zstd(lines(rows), window_log=12))
    broken = tmp_path / "RS_2023-02.zst"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    check(tmp_path)
    found, error = until_broken(tmp_path)
    assert "RS_2023-02.zst ends in the middle, at byte" in error and "posts before that were taken" in error
    listed = [one.item for page in found for one in page.submissions]
    assert listed[:300] == names(range(1000, 1300)) and listed[-300:] == names(range(3000, 3300))
    taken = len(listed) - 600
    assert 0 < taken < 300 and f"the {taken} posts before" in error
    # A restart in the third file still says so at the end; and when all is over, the second file is tried again.
    in_third = next(page for page in found if page.submissions and page.submissions[-1].item == "t3_p3099")
    rest, again = until_broken(tmp_path, cursor=in_third.cursor)
    assert [one.item for page in rest for one in page.submissions] == names(
        range(3100, 3300)
    ) and again == error
    rest, again = until_broken(tmp_path, cursor=found[-1].cursor)
    assert [one.item for page in rest for one in page.submissions] == names(
        range(3000, 3300)
    ) and again == error
    broken.write_bytes(whole)
    assert items(tmp_path, cursor=found[-1].cursor) == [
        item for month in (1, 2, 3) for item in names(range(month * 1000, month * 1000 + 300))
    ]


def test_who_stops_listening_stops_the_readers(tmp_path: Path) -> None:
    for month in (1, 2):
        write(tmp_path / f"RS_2023-{month:02d}.jsonl", lines(post(number) for number in range(5000)))
    found = open_source(parse_source(f"dump:{tmp_path}"), CrawlSettings()).pages(None)
    assert len(next(found).submissions) == 100
    import threading

    def reading() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name.startswith("dump RS_")]

    assert reading()
    del found
    for thread in reading():
        thread.join(10)
    assert not reading()


def test_a_uri_is_read_as_a_path_is(bucket: Bucket) -> None:
    bucket.put("dumps/RS_2023-01.zst", zstd(lines([post(1)])))
    bucket.put("dumps/more/RS_2023-02.zst", zstd(lines([post(2)])))
    bucket.put("dumps/.pad/1", b"x")
    place = f"{bucket.uri}/dumps"
    check(place)
    assert items(place, ",subreddit=earthporn") == names(range(1, 3))
    assert items(f"{place}/RS_2023-01.zst") == ["t3_p1"]


@pytest.mark.parametrize(
    ("name", "content", "way_out"),
    [
        ("none.zst", None, "no such file or folder; give a dump"),
        ("empty.jsonl", b"", "holds nothing; give a dump"),
        ("RC_2024-01.zst", zstd(lines([comment(1)])), "holds comments; give a dump of submissions"),
        ("list.txt", b"https://a.example/1.jpg\n", "holds no posts"),
        ("info.json", b'{\n  "subreddit": "x"\n}\n', "holds no posts"),
        ("utf16.jsonl", '{"id": "x"}'.encode("utf-16"), "holds no posts"),
        ("blocks.zst_blocks", b"\x40\0\0\0" + zstd(b"\1"), "zst_blocks format; convert it to .zst"),
        ("cut.zst", zstd(lines([post(1)]))[:20], "cut.zst ends in the middle, at byte 20"),
    ],
)
def test_what_is_no_dump_says_what_to_do(
    tmp_path: Path, name: str, content: bytes | None, way_out: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=way_out):
        check(tmp_path / name)


def test_other_places_say_what_to_do(tmp_path: Path) -> None:
    write(tmp_path / "RC_2024-01.zst", b"")
    write(tmp_path / "notes.txt", b"x")
    with pytest.raises(SourceError, match="holds comments and no posts"):
        check(tmp_path)
    with pytest.raises(
        SourceError, match=r"https://x\.example/RS\.zst cannot be read: of URIs only s3.*downloaded first"
    ):
        check("https://user:secret@x.example/RS.zst")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds nothing"):
        check(tmp_path / "empty")


def test_credentials_of_a_uri_are_refused_and_reach_no_row(bucket: Bucket) -> None:
    bucket.put("RS.jsonl", lines([post(1)]))
    found = pages(f"{bucket.uri}?region=us-east-1", ",subreddit=earthporn")
    assert [one.source for page in found for one in page.submissions] == [
        f"dump:{bucket.uri},subreddit=earthporn"
    ]
    for place in (f"s3://KEY:HUSH@{bucket.name}/RS.jsonl", f"{bucket.uri}/RS.jsonl?token=HUSH"):
        with pytest.raises(SourceError, match="set AWS_ACCESS_KEY_ID") as error:
            check(place)
        assert "HUSH" not in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path / "RS_2023-01.jsonl", lines([post(1)]))
    write(tmp_path / "RS_2023-02.jsonl", lines([post(2)])).chmod(0)
    found, error = until_broken(tmp_path)
    assert [one.item for page in found for one in page.submissions] == ["t3_p1"]
    assert "RS_2023-02.jsonl cannot be read (Permission denied)" in error
