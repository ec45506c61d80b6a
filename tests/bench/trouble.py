"""GetToken of one agent that is at peace, and of another for which everything hangs that can."""

from harness import PATIENCE, Agent
from varlink import message

from .calls import Setting, Target, run
from .figures import Figure
from .world import SERVICES, World, raw_reply

PROFILES = 50           # with four services each
CONNECTIONS = 4         # that the agent makes to one host
FRESH = "fresh"         # the one that is asked for


def measure(world: World) -> list[Figure]:
    peaceful, troubled = world.new_login(), overdue(world)
    world.log_in(peaceful, profile=FRESH)
    request = message("org.globus.Agent.GetToken", {"resource": "groups", "profile": FRESH, "timeout": 60})
    with troubled.home.hanging_disk():
        world.start(troubled)
        callers = call_for_all(troubled)
        callers.append(troubled.connect())
        callers[-1].send("org.globus.Agent.Logout", {"profile": "default"})
        troubled.wait_for(lambda status: not status["store"]["saved"])
        for agent in peaceful, troubled:
            raw_reply(agent, request)
        figures = compare(world, peaceful, troubled, request)
        for caller in callers:
            caller.close()
        troubled.kill()
    return figures


def overdue(world: World) -> Agent:
    """Not running; when it does, Globus answers no refresh."""
    agent = world.start(world.new_agent())
    world.log_in(agent, profile=FRESH)
    world.globus.faults.refresh.black_hole()
    world.globus.knobs.lifetime = 0
    world.log_in(agent)
    world.globus.knobs.lifetime = 172800
    agent.kill()
    world.multiply(agent, PROFILES)
    return agent


def call_for_all(agent: Agent) -> list:
    """Waits until requests hang on as many connections as there may be."""
    before, callers = agent.globus.count("refresh"), []
    for number in range(1, PROFILES + 1):
        for service in SERVICES:
            caller = agent.connect()
            caller.send("org.globus.Agent.GetToken", {"profile": f"p{number}", "resource": service})
            callers.append(caller)
    agent.globus.wait_for(lambda: agent.globus.count("refresh") - before >= CONNECTIONS, PATIENCE)
    return callers


def compare(world: World, peaceful: Agent, troubled: Agent, request: bytes) -> list[Figure]:
    path = world.write("request-fresh", request)
    names = ("troubled", "peaceful")
    slices = run(Setting(1, persistent=True, pinned=True),
                 [Target(name, agent.process, agent.home.socket, path)
                  for name, agent in zip(names, (troubled, peaceful))])
    return [slices.ratio("p50 while all hangs / at peace", "p50", names, limit=1.1),
            slices.ratio("p99 while all hangs / at peace", "p99", names, limit=1.5)]
