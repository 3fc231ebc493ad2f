"""More classes than a simplex can hold: trained in a browser, beside the best known figure."""

from playwright.sync_api import Page, expect

from tests.e2e.live_app import LiveApp
from tests.e2e.pages import expect_done, open_page, player, train

# Ten classes on the ordinary sphere: free features are there in a second or two.
CROWDED = {
    "dataset": "digits", "architecture": "UFM", "classes": 10, "samples_per_class": 5, "width": 4,
    "seeds": "0", "epochs": 300,
}  # fmt: skip


def test_ten_classes_on_a_sphere_come_to_the_best_known_figure(page: Page, app: LiveApp):
    open_page(page, app, **CROWDED)
    train(page)
    expect_done(page)
    expect(page.locator(".readouts")).to_contain_text("Gap to best known")
    expect(page.locator(".readouts")).to_contain_text("NC2 to best known")
    expect(page.locator(".readouts")).not_to_contain_text("floor")
    expect(page.locator(".st-key-outcome")).to_contain_text("at the best known")
    expect(page.get_by_test_id("stMain")).to_contain_text("a square antiprism with two caps")
    ideal = page.get_by_test_id("nc-layer-ideal")
    expect(ideal).to_be_visible()
    expect(ideal).to_have_text("best known")
    expect(page.get_by_test_id("nc-angle")).to_have_text("worst angle off best known 0.0°")
    expect(player(page)).to_be_visible()


def test_a_run_with_a_floor_is_told_nothing_of_a_best_known(page: Page, app: LiveApp):
    open_page(page, app, **{**CROWDED, "classes": 4, "width": 8})
    train(page)
    expect_done(page)
    expect(page.locator(".readouts")).to_contain_text("Gap to floor")
    expect(page.get_by_test_id("nc-layer-ideal")).to_have_text("ideal")
    expect(page.get_by_test_id("nc-angle")).to_contain_text("worst angle error")
    expect(page.get_by_test_id("stMain")).not_to_contain_text("best known")
