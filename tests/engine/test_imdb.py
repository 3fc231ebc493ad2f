"""IMDB's reviews: words, vocabulary and contexts, against counts made by other code."""

import io
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.datasets.readers import reviews as reviews_module
from ncengine.datasets.readers.reviews import prepared_reviews, read_reviews, words_of

from .originals import forget, hashes_of, original

ARCHIVE = "aclImdb_v1.tar.gz"
TEST = {
    f"test/{name}/{i}_5.txt": f"tested number {i} as {name}"
    for name in ("neg", "pos")
    for i in range(105)
}


def write(path, texts):
    """An archive with a text under each name."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, text in {"README": "words words", **texts}.items():
            member = tarfile.TarInfo(f"aclImdb/{name}")
            content = text.encode()
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def imdb_from(monkeypatch, tmp_path):
    """Points the loader at an archive; folders for what is prepared are empty."""
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def point(path):
        monkeypatch.setenv("NCENGINE_MIRROR_IMDB", f"{path.parent} {hashes_of(path)}")

    yield point
    forget()


@pytest.fixture
def load(imdb_from, tmp_path):
    """Loads the data made of an archive with these reviews for training."""

    def build(negative, positive, test=TEST, **values):
        texts = {f"train/neg/{i}_1.txt": text for i, text in enumerate(negative)}
        texts |= {f"train/pos/{i}_9.txt": text for i, text in enumerate(positive)}
        imdb_from(write(tmp_path / ARCHIVE, {**texts, **test}))
        return datasets.load(RunConfig(dataset="imdb", **values))

    return build


@pytest.mark.parametrize(
    "text, words",
    [
        ("Don't STOP.<br /><br />It's 10/10!", ["don't", "stop", "it's", "10", "10"]),
        ("the cats' 'quoted' rock'n'roll", ["the", "cats", "quoted", "rock'n'roll"]),
        ("Isn’t naïve_café well-made", ["isn't", "naïve", "café", "well", "made"]),
        ("a<br>b<BR/>c -- ... ", ["a", "b", "c"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_the_vocabulary_is_the_most_frequent_training_words_ties_by_the_alphabet(load):
    # b: 4 times, a, c: 3 times, d: 2 times, e: once.
    data = load(["c a b b", "d e a b"], ["A. B! c", "d, c"], samples_per_class=2, vocabulary=4,
                context=2)  # fmt: skip
    ranks = dict(b=0, a=1, c=2)
    expected = [text.replace("[", "").replace("]", "").split() for text in data.texts]
    assert sorted(expected) == [["a", "b"], ["b", "b"], ["b", "c"], ["d", "c"]]
    assert data.train.inputs.tolist() == [[ranks.get(word, 3) for word in row] for row in expected]
    assert "[d] c" in data.texts and "b b" in data.texts
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.train.inputs.dtype == np.int64 and data.train.inputs.shape == (4, 2)
    # None of the test part's words counts, whatever their number.
    assert set(data.test.inputs.ravel()) == {3} and "[as] [neg]" in data.test_texts


def test_a_vocabulary_larger_than_there_are_words(load):
    data = load(["a b"], ["b c"], samples_per_class=1, vocabulary=50, context=2)
    assert data.train.inputs.tolist() == [[1, 0], [0, 2]]
    assert set(data.test.inputs.ravel()) == {49}


def test_shorter_reviews_are_left_out_and_counted(load):
    data = load(["x y z", "y z", "", "z"], ["p q", "p q r s"], samples_per_class=1, context=2)
    assert data.facts["reviews"] == 6 and data.facts["too_short"] == 2
    assert data.facts["left"] == 4
    assert data.texts[0] == "y z" and data.texts[1] in ("p q", "r s")


def test_identical_and_contradictory_contexts_are_counted(load):
    same = ["one good film", "two good film", "three good film"]
    data = load(
        [*same, "a sad end", "a bad end", "so odd"],
        ["no sad end", "the sad end", "a fine end", "quite fine end", "well done"],
        samples_per_class=2,
        context=2,
    )
    # "sad end" ends one negative and two positive reviews.
    assert data.facts["contradictory"] == 3 and data.facts["too_short"] == 0
    # "good film" three times, "fine end" twice.
    assert data.facts["left"] == 8 and data.facts["left_identical"] == 5
    counts = Counter(data.texts)
    assert data.facts["identical"] == sum(count for count in counts.values() if count > 1)
    assert "sad end" not in counts

    everything = load([*same, "so odd"], ["no one", "well done", "is it", "not me"],
                      samples_per_class=4, context=2)  # fmt: skip
    assert everything.facts["identical"] == everything.facts["left_identical"] == 3


def test_contexts_are_compared_as_the_network_sees_them(load):
    """With V = 2 it knows only the most frequent word, "the"; all others look alike."""
    negative, positive = ["the the red", "the blue the"], ["the the green", "gold gold gold"]
    data = load(negative, positive, samples_per_class=1, vocabulary=2, context=3)
    assert data.facts["contradictory"] == 2
    assert data.texts == ("the [blue] the", "[gold] [gold] [gold]")
    assert data.train.inputs.tolist() == [[0, 1, 0], [1, 1, 1]]


def test_reviews_for_testing_never_end_as_one_for_training(load):
    texts = {**TEST, **{f"test/neg/{i}_1.txt": "film seen before" for i in range(100, 105)}}
    data = load(["now seen before"], ["is fine"], test=texts, samples_per_class=1, context=2)
    assert data.test.labels.tolist() == [0] * 20 + [1] * 20
    assert set(data.test_texts) == {"[as] [neg]", "[as] [pos]"}
    with pytest.raises(
        ValueError, match="context = 2: must leave a test .* negative has none. .* a larger"
    ):
        load(["as neg"], ["is fine"], test=TEST, samples_per_class=1, context=2)
    with pytest.raises(
        ValueError, match="context = 6: must leave a test .* has none. .* a smaller"
    ):
        load(["a b c d e f"], ["g h i j k l"], test=TEST, samples_per_class=1, context=6)


def test_too_many_samples_asked_for(load):
    positive = ["long enough this", "and that too", "or not so"]
    with pytest.raises(ValueError) as caught:
        load(["quite long here", "short", "no"], positive, samples_per_class=2, context=3)
    text = str(caught.value)
    assert text.startswith("samples_per_class = 2: must be at most 1, which is what the class neg")
    assert "2 have fewer words than context = 3" in text and "a smaller context leaves" in text
    with pytest.raises(ValueError, match="must be at most 0.* a larger context leaves more"):
        load(["yes no"], ["maybe no", "why no"], samples_per_class=1, context=1)


def test_only_labelled_reviews_are_read(tmp_path):
    path = write(
        tmp_path / ARCHIVE,
        {
            "train/neg/0_1.txt": "a",
            "train/unsup/0_0.txt": "unlabelled words",
            "train/pos/7_9.txt": "b",
            "train/pos/urls.html": "address",
            "imdb.vocab": "the",
            "test/neg/0_1.txt": "c",
            "test/pos/deeper/0_1.txt": "deep",
            "test/pos/0_9.txt": "d",
        },
    )
    found = read_reviews(path)
    assert found.words == ["a", "b", "c", "d"] and found.training_words == 2
    assert [found.words[i] for i in found.ids] == ["c", "d", "a", "b"]
    assert found.labels.tolist() == [0, 1, 0, 1] and found.is_test.tolist() == [1, 1, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == [ARCHIVE]


def test_archives_that_are_damaged(tmp_path):
    path = write(tmp_path / ARCHIVE, {**TEST, "train/neg/0_1.txt": "a"})
    with pytest.raises(datasets.DatasetDamaged, match="no reviews in train/pos"):
        read_reviews(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(datasets.DatasetDamaged, match="not a readable tar.gz or tar archive"):
        read_reviews(path)


@pytest.mark.parametrize("prefix", ["", "./", "./aclImdb/", "home/me/aclImdb/", "mine/"])
@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_reviews_may_lie_where_a_writer_of_archives_puts_them(tmp_path, prefix, mode):
    with tarfile.open(tmp_path / "mine.tar", mode) as archive:
        for name in ("train/neg/0_1", "train/pos/7_9", "test/neg/0_1", "test/pos/0_9"):
            for start, text in (("", name.replace("/", " ")), ("._", "of a Mac")):
                folder, _, file = name.rpartition("/")
                member = tarfile.TarInfo(f"{prefix}{folder}/{start}{file}.txt")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
    found = read_reviews(tmp_path / "mine.tar")
    words = [[found.words[i] for i in part] for part in np.split(found.ids, found.ends[:-1])]
    begun = [" ".join(one[:2]) for one in words]
    assert begun == ["test neg", "test pos", "train neg", "train pos"]
    assert "mac" not in found.words


def test_reviews_in_two_folders_are_not_guessed_at(tmp_path):
    with tarfile.open(tmp_path / "mine.tar", "w") as archive:
        for folder in ("one", "two"):
            member = tarfile.TarInfo(f"{folder}/train/neg/0_1.txt")
            archive.addfile(member, io.BytesIO(b""))
    with pytest.raises(datasets.DatasetDamaged, match=r"reviews in several folders \(one, two\)"):
        read_reviews(tmp_path / "mine.tar")


@pytest.fixture
def small(tmp_path):
    return write(
        tmp_path / ARCHIVE,
        {f"{part}/{k}/0_1.txt": f"{part} {k} it's" for part in ("train", "test")
         for k in ("neg", "pos")},
    )  # fmt: skip


def assert_same(first, second):
    assert first.words == second.words and first.training_words == second.training_words
    for name in ("ids", "ends", "labels", "is_test"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.fixture
def counted(monkeypatch):
    """How often an archive is read."""
    calls = []
    read = reviews_module.read_reviews
    monkeypatch.setattr(
        reviews_module, "read_reviews", lambda path: (calls.append(path), read(path))[1]
    )
    return calls


def test_what_is_prepared_is_used_again(small, counted, tmp_path):
    folder = tmp_path / "kept"
    first = prepared_reviews(small, "ab" * 32, folder)
    second = prepared_reviews(small, "ab" * 32, folder)
    assert len(counted) == 1
    assert_same(first, second)
    assert_same(first, read_reviews(small))
    assert [path.suffix for path in folder.iterdir()] == [".npz"]
    prepared_reviews(small, "cd" * 32, folder)
    assert len(counted) == 2


def test_what_is_prepared_and_damaged_is_made_anew(small, counted, tmp_path):
    folder = tmp_path / "kept"
    whole = prepared_reviews(small, "ab" * 32, folder)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 255
    with np.load(path) as kept:
        arrays = dict(kept)
    for number, damage in enumerate(
        [
            lambda: path.write_bytes(b""),
            lambda: path.write_bytes(content[: len(content) // 2]),
            lambda: path.write_bytes(bytes(flipped)),
            lambda: path.write_bytes(b"garbage" * 99),
            lambda: np.savez(path, **{**arrays, "ids": arrays["ids"] + 99}),
            lambda: np.savez(path, **{**arrays, "sha256": np.array("cd" * 32)}),
            lambda: np.savez(path, **{**arrays, "ends": arrays["ends"][::-1]}),
            lambda: np.savez(path, **{**arrays, "labels": np.array([None] * 4)}),
            lambda: np.savez(path, words=arrays["words"]),
        ]
    ):
        damage()
        assert_same(prepared_reviews(small, "ab" * 32, folder), whole)
        assert len(counted) == number + 2
        assert_same(prepared_reviews(small, "ab" * 32, folder), whole)
        assert len(counted) == number + 2
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_what_is_prepared_is_for_all_who_can_use_the_folder(small, tmp_path, mode):
    folder = tmp_path / "kept"
    folder.mkdir(mode)
    prepared_reviews(small, "ab" * 32, folder)
    assert next(folder.iterdir()).stat().st_mode & 0o777 == mode & 0o666


def test_where_nothing_can_be_written_all_works(small, counted, tmp_path):
    blocked = tmp_path / "in the way"
    blocked.write_text("a file")
    first, second = (prepared_reviews(small, "ab" * 32, blocked) for _ in range(2))
    assert_same(first, second)
    assert len(counted) == 2


def test_what_breaks_off_in_writing_leaves_nothing(small, tmp_path, monkeypatch):
    def full(stream, **_):
        stream.write(b"begun")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert prepared_reviews(small, "ab" * 32, tmp_path / "kept").training_words == 4
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_users_own_folder_is_left_as_it_is(load, tmp_path):
    load(["a b"], ["b c"], samples_per_class=1, context=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [ARCHIVE, "cache"]
    assert datasets.folder("imdb").parent == tmp_path / "data"
    assert [path.suffix for path in (tmp_path / "cache").rglob("*.*")] == [".npz"]


@pytest.fixture(scope="module")
def plain():
    """The original reviews as a plain reading gives them: (part, class) to texts."""
    folder = original("imdb-subset", ARCHIVE)
    if folder is None:
        pytest.skip("no archive of IMDB here; NC_TEST_DATA names the folder of its folder")
    texts = {(part, k): [] for part in ("train", "test") for k in ("neg", "pos")}
    with tarfile.open(folder / ARCHIVE) as archive:
        for member in archive:
            part = tuple(Path(member.name).parts[1:3])
            if part in texts and member.name.endswith(".txt"):
                texts[part].append(archive.extractfile(member).read().decode())
    return folder / ARCHIVE, texts


def test_the_original_reviews(imdb_from, plain):
    from sklearn.feature_extraction.text import CountVectorizer

    path, texts = plain
    imdb_from(path)
    config = RunConfig(dataset="imdb", vocabulary=1000, context=32, samples_per_class=300)
    data = datasets.load(config)

    # scikit-learn leaves ties to chance in its own limit on words, so it only counts here.
    vectorizer = CountVectorizer(
        preprocessor=lambda text: text.lower().replace("<br />", " ").replace("’", "'"),
        token_pattern=r"(?:[^\W_]+')*[^\W_]+",
    )
    training = texts["train", "neg"] + texts["train", "pos"]
    counts = np.asarray(vectorizer.fit_transform(training).sum(axis=0)).ravel()
    names = vectorizer.get_feature_names_out()
    ranked = sorted(zip(names, counts), key=lambda pair: (-pair[1], pair[0]))[:999]
    rank = {word: i for i, (word, _) in enumerate(ranked)}

    analyze = vectorizer.build_analyzer()
    ends = {key: {} for key in texts}
    for key, found in texts.items():
        for words in map(analyze, found):
            if len(words) >= 32:
                ends[key][tuple(words[-32:])] = tuple(rank.get(word, 999) for word in words[-32:])
    for part, split, shown in (
        ("train", data.train, data.texts),
        ("test", data.test, data.test_texts),
    ):
        for row, label, text in zip(split.inputs.tolist(), split.labels, shown, strict=True):
            words = tuple(text.replace("[", "").replace("]", "").split())
            assert ends[part, ("neg", "pos")[label]][words] == tuple(row)
            hidden = [word for word in text.split() if word.startswith("[")]
            assert len(hidden) == row.count(999) and not rank.keys() & {w[1:-1] for w in hidden}
    lengths = [len(analyze(text)) for text in training]
    assert data.facts["reviews"] == 5000
    assert data.facts["too_short"] == sum(length < 32 for length in lengths)
    assert len(data.train) == 600 and len(data.test) == 200


def test_draws_follow_seed_and_number(imdb_from, plain):
    imdb_from(plain[0])

    def draw(**values):
        return datasets.load(RunConfig(dataset="imdb", **values))

    large, small = draw(samples_per_class=60), draw(samples_per_class=25)
    np.testing.assert_array_equal(
        small.train.inputs.reshape(2, 25, -1), large.train.inputs.reshape(2, 60, -1)[:, :25]
    )
    other = draw(samples_per_class=60, data_seed=1)
    assert np.mean(np.all(other.train.inputs == large.train.inputs, axis=1)) < 0.5
    np.testing.assert_array_equal(other.test.inputs, large.test.inputs)
    assert other.test_texts == large.test_texts
    assert draw(samples_per_class=60) is large
    for split in (large.train, large.test):
        assert not split.inputs.flags.writeable and not split.labels.flags.writeable
        assert split.labels.dtype == np.int64
