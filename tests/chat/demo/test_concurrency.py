import concurrent.futures


def test_further_requests_wait_silently_until_a_slot_is_free(start_worker):
    demo = start_worker("--no-register", "--allow-fault-requests", "--limit-model-concurrency", "2")
    hanging = [demo.post(prompt=f"USER: [[fault:stall@{count}]] ASSISTANT:") for count in (0, 1)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(demo.reply, "count to 3")
        demo.wait_for_queue(3)
        assert not waiting.done()
        hanging[0].close()
        assert waiting.result(30) == "1, 2, 3"
    demo.wait_for_queue(1)
    hanging[1].close()
    demo.wait_for_queue(0)


def test_a_client_that_goes_while_it_waits_takes_no_slot(start_worker):
    demo = start_worker("--no-register", "--allow-fault-requests", "--limit-model-concurrency", "1")
    hanging = demo.post(prompt="USER: [[fault:hang]] ASSISTANT:")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        impatient = pool.submit(demo.post, prompt="USER: count to 3 ASSISTANT:")
        demo.wait_for_queue(2)
        hanging.close()
        impatient.result(30).close()
    demo.wait_for_queue(0)
    assert demo.reply("count to 3") == "1, 2, 3"


def test_it_stops_generating_when_the_client_goes_and_makes_no_fuss_about_it(start_worker):
    demo = start_worker("--no-register", "--allow-fault-requests")
    for fault in ("endless", "no-nul", "stall@2") * 4:
        response = demo.post(prompt=f"USER: [[fault:{fault}]] ASSISTANT:")
        assert response.raw.read(20)
        demo.wait_for_queue(1)
        response.close()
        demo.wait_for_queue(0)
    demo.process.terminate()
    assert demo.process.communicate(timeout=30) == ("", "")
