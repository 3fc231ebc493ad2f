#!/bin/sh
# Installs Chromium where it is missing and a package manager can give it. The browser tests
# say so and are skipped where there is none.
for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -d "/Applications/Google Chrome.app" ] && exit 0
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null 2>&1; then
    # Without windows, where there is that: it takes a third less of the processor.
    $as_root apt-get update -qq && {
        $as_root apt-get install -y -qq chromium-headless-shell ||
            $as_root apt-get install -y -qq chromium
    } >/dev/null 2>&1
elif command -v dnf >/dev/null 2>&1; then
    $as_root dnf install -y -q chromium
elif command -v pacman >/dev/null 2>&1; then
    $as_root pacman -S --noconfirm --quiet chromium
else
    false
fi || echo "No Chromium could be installed: the browser tests will be skipped."
