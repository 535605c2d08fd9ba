use super::*;

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("ns", name)
}

async fn name(queue: &Queue) -> String {
    queue.next().await.expect("open").key.name.to_string()
}

#[tokio::test]
async fn lanes_go_in_order_and_duplicates_fold() {
    let queue = Queue::default();
    queue.add(key("interval"), Lane::Interval, None);
    queue.add(key("change"), Lane::Change, None);
    queue.add(key("change"), Lane::Change, None);
    queue.add(key("person"), Lane::Person, None);
    assert_eq!(queue.len(), 3);
    assert_eq!(name(&queue).await, "person");
    assert_eq!(name(&queue).await, "change");
    assert_eq!(name(&queue).await, "interval");
    assert!(queue.is_empty());
}

#[tokio::test]
async fn a_key_moves_up_but_is_served_once() {
    let queue = Queue::default();
    queue.add(key("a"), Lane::Interval, None);
    queue.add(key("b"), Lane::Change, None);
    queue.add(key("a"), Lane::Person, None);
    assert_eq!(name(&queue).await, "a");
    assert_eq!(name(&queue).await, "b");
    assert!(queue.is_empty());
}

#[tokio::test]
async fn what_arrives_during_an_attempt_comes_again() {
    let queue = Queue::default();
    queue.add(key("a"), Lane::Interval, None);
    let taken = queue.next().await.expect("open");
    assert!(!queue.superseded(&taken.key));
    queue.add(key("a"), Lane::Change, Some(Reference::new("GitRepository", "ns", "src")));
    assert!(queue.superseded(&taken.key));
    assert!(queue.is_empty());
    queue.done(&taken.key);
    let again = queue.next().await.expect("open");
    assert_eq!((again.lane, again.trigger.expect("kept").to_string()), (Lane::Change, "GitRepository/ns/src".into()));
}

#[tokio::test(start_paused = true)]
async fn delayed_keys_come_in_time_order() {
    let queue = Queue::default();
    queue.add_after(key("late"), Lane::Interval, Duration::from_secs(20));
    queue.add_after(key("soon"), Lane::Interval, Duration::from_secs(10));
    queue.add_after(key("late"), Lane::Interval, Duration::from_secs(15));
    let start = Instant::now();
    assert_eq!(name(&queue).await, "soon");
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(name(&queue).await, "late");
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn adding_now_drops_the_plan() {
    let queue = Queue::default();
    queue.add_after(key("a"), Lane::Interval, Duration::from_secs(10));
    queue.add(key("a"), Lane::Change, None);
    let taken = queue.next().await.expect("open");
    queue.done(&taken.key);
    let more = tokio::time::timeout(Duration::from_secs(60), queue.next()).await;
    assert!(more.is_err(), "planned attempt was kept");
}

#[tokio::test]
async fn intervals_are_served_in_a_storm() {
    let queue = Queue::default();
    for number in 0..20 {
        queue.add(key(&format!("change-{number}")), Lane::Change, None);
    }
    queue.add(key("interval"), Lane::Interval, None);
    let mut position = 0;
    while name(&queue).await != "interval" {
        position += 1;
    }
    assert!(position <= FAIR_EVERY, "waited {position} picks");
}

#[tokio::test]
async fn failures_count_until_success() {
    let queue = Queue::default();
    assert_eq!((queue.fail(&key("a")), queue.fail(&key("a")), queue.fail(&key("b"))), (1, 2, 1));
    queue.succeed(&key("a"));
    assert_eq!(queue.fail(&key("a")), 1);
}

#[tokio::test]
async fn closing_ends_the_wait() {
    let queue = Queue::default();
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.next().await.is_none() }
    });
    tokio::task::yield_now().await;
    queue.close();
    assert!(waiting.await.expect("no panic"));
}
