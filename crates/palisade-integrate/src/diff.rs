use similar::TextDiff;

/// The change of a file, as `diff -u` shows it. Lines of it are as hostile as the file.
pub fn diff(file: &str, before: Option<&str>, after: Option<&str>) -> String {
    let name = |text: Option<&str>| text.map_or("/dev/null".to_owned(), |_| file.to_owned());
    let (from, to) = (name(before), name(after));
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    diff.unified_diff().context_radius(3).header(&from, &to).to_string()
}
