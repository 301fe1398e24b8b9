//! Jobs by the thousand, parts that meet, callers that compete, threads that sleep, parts that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::{MOST_THREADS, Member, Pool};
use crate::error::ErrorKind;
use crate::math::random::Stream;

/// Every part writes its place, they meet, every part checks all places; `rounds` times. All orders are relaxed: what
/// is seen is seen because of the meetings.
fn meet(pool: &Pool, parts: usize, rounds: usize, salt: usize) -> bool {
    let places: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
    let ran = AtomicUsize::new(0);
    let done = pool.try_run(parts, &|member| {
        assert_eq!(member.parts(), parts);
        for round in 0..rounds {
            places[member.index()].store(salt + round * parts + member.index(), Relaxed);
            member.wait();
            for (index, place) in places.iter().enumerate() {
                assert_eq!(place.load(Relaxed), salt + round * parts + index);
            }
            member.wait();
        }
        ran.fetch_add(1, Relaxed);
    });
    assert_eq!(ran.into_inner(), if done { parts } else { 0 });
    done
}

#[test]
fn every_part_runs_once_and_all_meet() {
    let mut random = Stream::at(1, 2, 3);
    for threads in [1, 2, 3, 8] {
        let pool = Pool::new(threads).unwrap();
        assert_eq!(pool.threads(), threads);
        for job in 0..400 {
            let parts = 1 + random.below(threads as u64) as usize;
            let rounds = random.below(4) as usize;
            assert!(meet(&pool, parts, rounds, job));
        }
    }
}

#[test]
fn jobs_reach_sleepers_and_those_about_to_sleep() {
    let pool = Pool::new(3).unwrap();
    let mut random = Stream::at(4, 5, 6);
    for job in 0..150 {
        // From awake over yielding to asleep: the pauses lie around the time that workers wait.
        thread::sleep(Duration::from_micros(random.below(400)));
        assert!(meet(&pool, 2 + job % 2, 1, job));
    }
}

#[test]
fn short_jobs_do_not_wait_for_sleepers() {
    let pool = Pool::new(2).unwrap();
    for _ in 0..5 {
        while !pool.0.shared.call.sleeps(2) {
            thread::sleep(Duration::from_micros(200));
        }
        assert!(!pool.try_run_awake(2, &|_| unreachable!("somebody sleeps")));
        // It was woken, so that after a while it is there, unless other programs keep them away.
        let mut tries = 0;
        while !pool.try_run_awake(2, &|member| member.wait()) {
            tries += 1;
            assert!(tries < 1_000_000);
            thread::yield_now();
        }
    }
}

#[test]
fn a_part_that_takes_long_finds_the_others_asleep() {
    let pool = Pool::new(3).unwrap();
    for late in 0..3 {
        let sum = AtomicUsize::new(0);
        let done = pool.try_run(3, &|member| {
            if member.index() == late {
                thread::sleep(Duration::from_millis(5));
            }
            sum.fetch_add(1, Relaxed);
            member.wait();
            assert_eq!(sum.load(Relaxed), 3);
            if member.index() == (late + 1) % 3 {
                thread::sleep(Duration::from_millis(5));
            }
        });
        assert!(done);
    }
}

#[test]
fn one_caller_at_a_time_and_nobody_waits_for_it() {
    let pool = Pool::new(2).unwrap();
    let ran = AtomicU64::new(0);
    let refused = AtomicU64::new(0);
    thread::scope(|scope| {
        for caller in 0..4 {
            let (pool, ran, refused) = (pool.clone(), &ran, &refused);
            scope.spawn(move || {
                for job in 0..500 {
                    let count = if meet(&pool, 2, 2, caller * 1000 + job) { ran } else { refused };
                    count.fetch_add(1, Relaxed);
                }
            });
        }
    });
    assert!(ran.load(Relaxed) > 0);
    assert_eq!(ran.into_inner() + refused.into_inner(), 2000);
}

#[test]
fn a_job_within_a_job_computes_alone() {
    let pool = Pool::new(2).unwrap();
    let inner = AtomicUsize::new(0);
    let done = pool.try_run(2, &|_| {
        assert!(!pool.try_run(2, &|_| unreachable!("the pool is in use")));
        assert!(pool.try_run(1, &|member| assert_eq!(member.parts(), 1)));
        pool.for_each(10, &|_| {
            inner.fetch_add(1, Relaxed);
        });
    });
    assert!(done && inner.into_inner() == 20);
}

#[test]
fn more_parts_than_threads_are_refused() {
    let pool = Pool::new(2).unwrap();
    assert!(!pool.try_run(3, &|_| unreachable!()));
    assert!(!pool.try_run(0, &|_| unreachable!()));
    assert!(meet(&pool, 2, 1, 0));
}

#[test]
fn a_member_that_is_alone_waits_for_nobody() {
    let member = Member::alone();
    member.wait();
    assert_eq!((member.index(), member.parts()), (0, 1));
}

#[test]
fn a_panic_reaches_the_caller_and_nobody_hangs() {
    let pool = Pool::new(4).unwrap();
    for round in 0..40 {
        let (guilty, waits) = (round % 4, round / 4 % 3);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            pool.try_run(4, &|member| {
                for _ in 0..waits {
                    member.wait();
                }
                if member.index() == guilty {
                    // Without the message that a panic prints.
                    std::panic::resume_unwind(Box::new(guilty));
                }
                if round % 2 == 0 {
                    member.wait();
                    unreachable!("one part never comes");
                }
            })
        }));
        let panic = outcome.expect_err("the panic is passed on");
        assert_eq!(panic.downcast_ref::<usize>(), Some(&guilty));
        assert!(meet(&pool, 4, 2, round));
    }
}

#[test]
fn all_of_them_may_panic() {
    let pool = Pool::new(3).unwrap();
    for _ in 0..20 {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            pool.try_run(3, &|member| std::panic::resume_unwind(Box::new(member.index())))
        }));
        assert!(outcome.expect_err("the first one is passed on").is::<usize>());
        assert!(meet(&pool, 3, 1, 0));
    }
}

#[test]
fn every_index_is_taken_once() {
    for threads in [1, 2, 5] {
        let pool = Pool::new(threads).unwrap();
        for count in [0, 1, 2, 7, 1000] {
            let taken: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            pool.for_each(count, &|index| {
                taken[index].fetch_add(1, Relaxed);
            });
            assert!(taken.iter().all(|taken| taken.load(Relaxed) == 1));
        }
    }
}

#[test]
fn nobody_waits_for_a_sleeper_and_nobody_comes_too_late() {
    let pool = Pool::new(3).unwrap();
    let mut random = Stream::at(7, 8, 9);
    for job in 0..2000 {
        // Jobs so short that they end while workers are on their way in; the word is gone when the job is.
        let word = AtomicUsize::new(0);
        pool.for_each(1 + job % 5, &|index| {
            word.fetch_add(index + 1, Relaxed);
        });
        let count = 1 + job % 5;
        assert_eq!(word.into_inner(), count * (count + 1) / 2);
        match random.below(40) {
            0 => thread::sleep(Duration::from_micros(random.below(300))),
            1..5 => assert!(meet(&pool, 3, 1, job)),
            5 => pool.wake(),
            _ => {}
        }
    }
}

#[test]
fn chunks_are_cut_and_states_are_kept_apart() {
    for (threads, states) in [(1, 1), (3, 3), (3, 2), (2, 5)] {
        let pool = Pool::new(threads).unwrap();
        for (len, chunk) in [(0, 1), (1, 4), (12, 4), (13, 4), (1000, 3)] {
            let mut data: Vec<usize> = (0..len).collect();
            let mut seen = vec![vec![]; states];
            pool.for_each_chunk(&mut seen, &mut data, chunk, &|seen, index, chunk| {
                seen.push(index);
                chunk.iter_mut().for_each(|element| *element += 1);
            });
            assert!(data.iter().copied().eq(1..=len));
            let mut seen = seen.concat();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..len.div_ceil(chunk)));
        }
    }
}

#[test]
fn after_a_panic_no_further_index_is_begun() {
    let pool = Pool::new(2).unwrap();
    let begun = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        pool.for_each(1000, &|_| {
            begun.fetch_add(1, Relaxed);
            if !stop.swap(true, Relaxed) {
                std::panic::resume_unwind(Box::new(()));
            }
            thread::sleep(Duration::from_millis(1));
        });
    }));
    assert!(outcome.is_err());
    assert!(begun.into_inner() < 1000);
}

#[test]
fn threads_end_with_the_last_handle() {
    for pause in [0, 50, 3000] {
        for used in [false, true] {
            let pool = Pool::new(3).unwrap();
            let shared = std::sync::Arc::downgrade(&pool.0.shared);
            if used {
                assert!(meet(&pool, 3, 1, 0));
            }
            let other = pool.clone();
            drop(pool);
            thread::sleep(Duration::from_micros(pause));
            assert!(meet(&other, 3, 1, 0));
            thread::sleep(Duration::from_micros(pause));
            drop(other);
            // Each worker holds one until it ends.
            assert_eq!(shared.strong_count(), 0);
        }
    }
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    for threads in [0, MOST_THREADS + 1, usize::MAX] {
        let error = Pool::new(threads).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains(&format!("a pool of {threads} threads")), "{error}");
    }
}

#[test]
fn handles_of_the_same_threads_are_equal() {
    let (pool, other) = (Pool::new(1).unwrap(), Pool::new(1).unwrap());
    assert_eq!(pool.clone(), pool);
    assert_ne!(pool, other);
    assert_eq!(format!("{pool:?}"), "Pool { threads: 1, .. }");
}

#[test]
fn short_jobs_are_left_to_their_caller_after_parts_waited_long() {
    let pool = Pool::new(2).unwrap();
    // Sooner or later the worker is awake.
    let again = |pool: &Pool| {
        (0..200).any(|_| {
            let ran = pool.try_run_smooth(2, 10, &|member| member.wait());
            if !ran {
                pool.wake();
                thread::sleep(Duration::from_micros(50));
            }
            ran
        })
    };
    assert!(again(&pool));
    // One part comes so late that the other's patience ends: as where another program has taken its core.
    let mut late = false;
    for _ in 0..200 {
        late = pool.try_run_smooth(2, 10, &|member| {
            if member.index() == 1 {
                thread::sleep(Duration::from_millis(20));
            }
            member.wait();
        });
        if late {
            break;
        }
        pool.wake();
        thread::sleep(Duration::from_micros(50));
    }
    assert!(late);
    assert!(pool.0.shared.smooth.skips(10), "the next job is left to its caller");
    assert!(!pool.try_run_smooth(2, 10, &|_| unreachable!("left to the caller")));
    // Not for ever.
    assert!((0..100).any(|_| again(&pool)));
}

#[test]
fn short_jobs_leave_sleepers_alone_that_were_woken_in_vain() {
    let pool = Pool::new(2).unwrap();
    let asleep = |pool: &Pool| pool.0.shared.call.sleeps(2);
    let mut woken = 0;
    for _ in 0..40 {
        while !asleep(&pool) {
            thread::sleep(Duration::from_micros(200));
        }
        let before = pool.0.shared.call.jobs();
        assert!(!pool.try_run_smooth(2, 10, &|_| unreachable!("somebody sleeps")));
        if pool.0.shared.call.jobs() != before {
            woken += 1;
            // Not before it is awake does the next round wait until it sleeps.
            assert!(pool.try_run(2, &|_| {}));
        }
    }
    // The first, the ninth after it, and the seventeenth after that.
    assert_eq!(woken, 3);
}

#[test]
fn short_jobs_of_several_callers_are_left_to_them_where_cores_are_few() {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    for (threads, crowded) in [(cores.max(2), true), (cores - 1, false)] {
        if threads < 2 {
            continue;
        }
        let pool = Pool::new(threads).unwrap();
        let done = pool.try_run(threads, &|member| {
            if member.index() == 0 {
                assert!(!pool.try_run_smooth(threads, 10, &|_| unreachable!("the pool is in use")));
            }
        });
        assert!(done);
        assert_eq!(pool.0.shared.smooth.skips(10), crowded, "{threads} threads");
    }
    // A job in pieces says nothing about other callers: it may be one of its own pieces that calls.
    let pool = Pool::new(cores.max(2)).unwrap();
    pool.for_each(4, &|_| {
        pool.try_run_smooth(cores.max(2), 10, &|_| unreachable!("the pool is in use"));
    });
    assert!(!pool.0.shared.smooth.skips(10));
}

#[test]
fn a_job_that_is_worth_it_wakes_workers_for_itself() {
    let pool = Pool::new(2).unwrap();
    let mut ran = 0;
    for _ in 0..40 {
        while !pool.0.shared.call.sleeps(2) {
            thread::sleep(Duration::from_micros(200));
        }
        // Neither of the two waits for the other.
        ran += usize::from(pool.try_run_smooth(2, 100, &|_| {}));
    }
    assert!((1..=3).contains(&ran), "{ran} of 40 jobs that come rarely woke the worker");
}
