use std::{os::unix::fs::PermissionsExt, path::Path};

use super::*;

const ASKED: Estimate = Estimate { input: 60, output: 40 };

fn quota() -> Quota {
    Quota { scope: "/p/palisade.yaml".into(), ..Quota::default() }
}

fn meters(folder: Option<&Path>, quotas: &[Quota]) -> Arc<Meters> {
    let meters = Arc::new(Meters::new(folder.map(Path::to_owned)));
    meters.prepare(quotas).unwrap();
    meters
}

fn wanted(model: &str) -> Wanted<'_> {
    Wanted { model, free: false, estimate: ASKED }
}

async fn take(meters: &Arc<Meters>, quotas: &[Quota]) -> Result<Reservation, Exceeded> {
    meters.reserve(quotas, &wanted("gpt-5")).await
}

fn used(input: u64, output: u64) -> Usage {
    Usage { input, output, ..Usage::default() }
}

#[tokio::test]
async fn what_is_reserved_is_not_free_until_it_is_settled() {
    let quotas = [Quota { tokens_per_day: Some(150), ..quota() }];
    let meters = meters(None, &quotas);
    let mut first = take(&meters, &quotas).await.unwrap();
    let full = take(&meters, &quotas).await.unwrap_err();
    assert!(matches!(&full, Exceeded::Spent { retry: Some(1..), rate: false, .. }), "{full}");
    assert_eq!(full.rule(), "inference.limits.tokens_per_day");
    first.owes(used(5, 5));
    drop(first);
    // One that is never made takes nothing.
    drop(take(&meters, &quotas).await.unwrap());
    let mut second = take(&meters, &quotas).await.unwrap();
    // More than was reserved counts as well.
    second.owes(used(140, 0));
    drop(second);
    assert!(take(&meters, &quotas).await.is_err());
}

#[tokio::test]
async fn a_call_that_never_fits_is_told_so() {
    let quotas = [Quota { tokens_per_minute: Some(99), ..quota() }];
    let never = take(&meters(None, &quotas), &quotas).await.unwrap_err();
    assert!(matches!(never, Exceeded::Never { .. }), "{never}");
    let quotas = [Quota { usd_per_day: Some(Usd(1000)), ..quota() }];
    let meters = meters(None, &quotas);
    assert!(matches!(take(&meters, &quotas).await, Err(Exceeded::Never { .. })));
    let unknown = meters.reserve(&quotas, &wanted("unheard-of")).await.unwrap_err();
    assert!(matches!(unknown, Exceeded::NoPrice { .. }), "{unknown}");
    let free = Wanted { free: true, ..wanted("unheard-of") };
    assert!(meters.reserve(&quotas, &free).await.is_ok());
}

#[tokio::test]
async fn a_minute_passes() {
    let quotas = [Quota { requests_per_minute: Some(2), ..quota() }];
    let meters = meters(None, &quotas);
    for _ in 0..2 {
        take(&meters, &quotas).await.unwrap().owes(used(1, 1));
        meters.clock.advance(10);
    }
    let full = take(&meters, &quotas).await.unwrap_err();
    assert!(matches!(full, Exceeded::Spent { retry: Some(40..=42), rate: true, .. }), "{full:?}");
    meters.clock.advance(42);
    assert!(take(&meters, &quotas).await.is_ok());
}

#[tokio::test]
async fn as_many_as_may_be_at_one_time() {
    let quotas = [Quota { concurrent: Some(1), ..quota() }];
    let meters = meters(None, &quotas);
    let first = take(&meters, &quotas).await.unwrap();
    assert_eq!(take(&meters, &quotas).await.unwrap_err().rule(), "inference.limits.concurrent");
    drop(first);
    assert!(take(&meters, &quotas).await.is_ok());
}

#[tokio::test]
async fn every_document_counts_and_none_in_part() {
    let wide = Quota { scope: "a".into(), tokens_per_day: Some(1000), ..Quota::default() };
    let narrow = Quota { scope: "b".into(), tokens_per_day: Some(150), ..Quota::default() };
    let quotas = [narrow.clone(), wide.clone()];
    let meters = meters(None, &quotas);
    let _first = take(&meters, &quotas).await.unwrap();
    for _ in 0..20 {
        assert!(take(&meters, &quotas).await.is_err());
    }
    // What `b` refused took nothing of `a`.
    for _ in 0..9 {
        std::mem::forget(take(&meters, std::slice::from_ref(&wide)).await.unwrap());
    }
    assert!(take(&meters, std::slice::from_ref(&wide)).await.is_err());
}

#[tokio::test]
async fn counts_outlast_a_session_and_the_clock_gives_none_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("quota");
    let quotas = [Quota { tokens_per_day: Some(150), ..quota() }];
    let mut first = take(&meters(Some(&state), &quotas), &quotas).await.unwrap();
    first.owes(used(60, 40));
    drop(first);
    assert!(take(&meters(Some(&state), &quotas), &quotas).await.is_err());
    // Yesterday, as far as the wall clock says when the session begins.
    let mut back = Meters::new(Some(state.clone()));
    back.clock.set_back(30 * 60 * 60);
    back.prepare(&quotas).unwrap();
    assert!(take(&Arc::new(back), &quotas).await.is_err());
    // The next day there is room. Nobody who then goes back has more.
    let next = meters(Some(&state), &quotas);
    next.clock.advance(24 * 60 * 60);
    take(&next, &quotas).await.unwrap().owes(used(60, 40));
    assert!(take(&meters(Some(&state), &quotas), &quotas).await.is_err());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let file = state.read_dir().unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&file), 0o600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_never_pass_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let quotas = [Quota { requests_per_minute: Some(50), ..quota() }];
    // As many processes would have: each opens the file by itself.
    let sandboxes: Vec<_> = (0..8).map(|_| meters(Some(folder.path()), &quotas)).collect();
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let meters = Arc::clone(&sandboxes[number % 8]);
            let quotas = quotas.clone();
            tokio::spawn(async move {
                let taken = take(&meters, &quotas).await;
                taken.map(|mut taken| taken.owes(used(1, 1))).is_ok()
            })
        })
        .collect();
    let mut permitted = 0;
    for call in calls {
        permitted += u64::from(call.await.unwrap());
    }
    assert_eq!(permitted, 50);
}

#[tokio::test]
async fn a_file_that_is_damaged_or_of_others_permits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let quotas = [Quota { tokens_per_day: Some(1000), ..quota() }];
    let meters = meters(Some(folder.path()), &quotas);
    take(&meters, &quotas).await.unwrap().owes(used(1, 1));
    let path = folder.path().read_dir().unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&path).unwrap();
    // One copy may be torn.
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    take(&meters, &quotas).await.unwrap().owes(used(1, 1));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    bytes[4196] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let damaged = take(&meters, &quotas).await.unwrap_err();
    assert!(damaged.to_string().contains("damaged"), "{damaged}");
    // Nor does one that was emptied begin anew: while it is used, and by the next session.
    let again = || Meters::new(Some(folder.path().to_owned())).prepare(&quotas).map(drop);
    let full = bytes.len();
    for empty in [vec![0; full], Vec::new(), vec![0; 100]] {
        std::fs::remove_file(&path).unwrap();
        let meters = self::meters(Some(folder.path()), &quotas);
        take(&meters, &quotas).await.unwrap().owes(used(1, 1));
        let file = std::fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &empty, 0).unwrap();
        assert!(take(&meters, &quotas).await.is_err(), "{}", empty.len());
        let error = again().unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/null", &path).unwrap();
    assert!(Meters::new(Some(folder.path().to_owned())).prepare(&quotas).is_err());
}
