import pytest

from assets_pipeline.generators.primitive.words import KINDS, Family, kind_in_file_name, kind_of


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("Mug", "mug"),
        ("shoe box", "box"),
        ("box of shoes", "box"),
        ("vase with flowers", "vase"),
        ("Flowers in a vase", "vase"),
        ("coffee table", "table"),
        ("table lamp", "lamp"),
        ("stained glass lamp", "lamp"),
        ("water bottle", "bottle"),
        ("beer mug, 0.5 l", "mug"),
        ("tin for tea", "tin"),
        ("Chair in oak - with cushion", "chair"),
        ("Bag | Summer sale: shoes", "bag"),
        ("set of 6 plates", "plate"),
        ("pair of sneakers", "sneakers"),
        ("CUTTING BOARD", "board"),
    ],
)
def test_the_head_of_the_title_names_the_product(title, word):
    assert kind_of(title, "").word == word


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("boxes", "box"),
        ("glasses", "glass"),
        ("dishes", "dish"),
        ("watches", "watch"),
        ("batteries", "battery"),
        ("scarves", "scarf"),
        ("vases", "vase"),
        ("shoes", "shoes"),
    ],
)
def test_plurals_are_known(title, word):
    assert kind_of(title, "").word == word


@pytest.mark.parametrize("title", ["", "Qwertz 3000 XL", "花瓶", "***", "mugwort boxer vaseline"])
def test_what_names_no_product_is_no_kind(title):
    assert kind_of(title, "") is None


def test_what_a_product_holds_counts_only_where_nothing_else_is_named():
    assert kind_of("tomato soup", "").content
    assert kind_of("tomato soup can", "").word == "can"
    assert kind_of("red roses", "").family is Family.INFLATION


def test_the_category_is_asked_where_the_title_says_nothing():
    assert kind_of("Ingrid 3000", "Kitchen > Mugs").word == "mug"
    assert kind_of("Ingrid vase", "Kitchen > Mugs").word == "vase"
    assert kind_of("tulips", "vases").word == "vase", "a container in the category beats contents in the title"


@pytest.mark.parametrize(
    ("word", "family"),
    [
        ("bottle", Family.REVOLVE_CLOSED),
        ("bowl", Family.REVOLVE_OPEN),
        ("carton", Family.CUBOID),
        ("phone", Family.EXTRUSION),
        ("chair", Family.FURNITURE),
        ("sneaker", Family.INFLATION),
    ],
)
def test_each_family_has_its_words(word, family):
    assert KINDS[word].family is family


def test_every_kind_has_a_size_and_values_that_a_product_can_have():
    for word, kind in KINDS.items():
        assert word == kind.word and word.isalpha() and word.islower()
        assert 0.05 <= kind.size <= 2.5, word
        assert 0.02 <= kind.depth <= 1.5, word
        assert 0 <= kind.roughness <= 1 and 0 <= kind.metallic <= 1, word
        assert 0.01 <= kind.wall <= 0.2, word
        assert kind.squareness >= 2, word


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("blue_mug_front.jpg", "mug"),
        ("cup_table.jpg", "cup"),
        ("table-cup.JPG", "cup"),
        ("table.jpg", "table"),
        ("shoeBox 2.png", None),
        ("IMG_20240501.jpg", None),
        ("flowers.jpg", None),
        ("mug", "mug"),
        ("sofa.bottle", "sofa"),
    ],
)
def test_a_file_name_says_what_it_shows(name, word):
    kind = kind_in_file_name(name)
    assert (kind.word if kind else None) == word


@pytest.mark.parametrize("name", ["picture 1.jpg", "frame_0001.png", "cover.jpg", "camera_upload.jpg", "print.png"])
def test_a_file_name_that_speaks_of_photos_names_no_product(name):
    assert kind_in_file_name(name) is None


@pytest.mark.parametrize(
    ("title", "word"), [("knives", "knife"), ("camera lenses", "lens"), ("Book: The Bowl", "book")]
)
def test_rarer_plurals_and_subtitles_are_read(title, word):
    kind = kind_of(title, "")
    assert kind is not None and kind.word == word
