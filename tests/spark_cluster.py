"""Spark on loopback, from pyspark's own jars: a standalone cluster of a master and workers, and a Spark Connect server."""

import importlib.util
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import lacking

from ldeval.data.engine_spark import java_version

STARTED_WITHIN = 180
"""Seconds; a busy machine takes its time to start Java."""

LOOPBACK = "127.0.0.1"
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"

# what is small is done long before Java's second compiler and Spark's own have earned their keep
BRIEFLY = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
QUICK = {
    "spark.driver.extraJavaOptions": BRIEFLY,
    "spark.executor.extraJavaOptions": BRIEFLY,
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.coalescePartitions.initialPartitionNum": "2",
    "spark.ui.enabled": "false",
}
"""Settings for small data. They change how Spark runs a plan, not what the plan gives."""

# pyspark leaves its connections to Java to the garbage collector, which Python tells through pytest
quiet = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def need_spark():
    """Skip, or fail where all tools are required, without the extra or Java."""
    if importlib.util.find_spec("pyspark") is None:
        lacking("needs the extra spark (make setup EXTRAS=spark)")
    if java_version() is None:
        lacking("needs Java (apt-get install default-jre-headless)")


@dataclass(frozen=True)
class Cluster:
    """Where the master is, and the process of each worker."""

    master: str
    workers: tuple[subprocess.Popen, ...]

    def kill_worker(self, number):
        """Kill a worker and what runs in it, as a lost machine would be."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait()


@contextmanager
def cluster(folder, *, workers=2, memory="1g"):
    """Start a cluster whose logs and scratch files go into a folder; stop all of it at the end."""
    port = free_port()
    master = f"spark://{LOOPBACK}:{port}"
    started = []
    try:
        started.append(start(folder, "master", "master.Master", "--port", str(port)))
        wait_for(folder / "master.log", "I have been elected leader")
        for number in range(workers):
            name = f"worker{number}"
            options = ("--cores", "1", "--memory", memory, "--work-dir", str(folder / name), master)
            started.append(start(folder, name, "worker.Worker", *options))
        for number in range(workers):
            wait_for(folder / f"worker{number}.log", "Successfully registered with master")
        yield Cluster(master, tuple(started[1:]))
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def connect_server(folder):
    """Start a Spark Connect server on loopback, and give its address; stop it at the end."""
    port = free_port()
    settings = QUICK | {
        "spark.connect.grpc.binding.address": LOOPBACK,
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.bindAddress": LOOPBACK,
        "spark.driver.host": LOOPBACK,
    }
    pairs = (text for name, value in settings.items() for text in ("--conf", f"{name}={value}"))
    server = run(folder, "connect", "spark-submit", "--class", CONNECT, "--master", "local[2]", "--driver-memory", "1g", *pairs)
    try:
        wait_for(folder / "connect.log", "Spark Connect server started")
        yield f"sc://{LOOPBACK}:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def start(folder, name, what, *options):
    return run(folder, name, "spark-class", f"org.apache.spark.deploy.{what}", "--host", LOOPBACK, "--webui-port", "0", *options)


def run(folder, name, program, *options):
    import pyspark

    home = Path(pyspark.__file__).parent
    own = {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_JAVA_OPTS": BRIEFLY,
    }
    with (folder / f"{name}.log").open("w") as log:
        command = [home / "bin" / program, *options]
        return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | own, start_new_session=True)


def wait_for(log, text):
    until = time.monotonic() + STARTED_WITHIN
    while text not in log.read_text(errors="replace"):
        if time.monotonic() > until:
            raise RuntimeError(f"{log.name}: no {text!r} within {STARTED_WITHIN} s\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.5)


def free_port():
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        return bound.getsockname()[1]
