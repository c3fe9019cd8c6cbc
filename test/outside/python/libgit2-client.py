"""A git client made of libgit2, by the package pygit2. Takes a command and its arguments, prints JSON."""

import json
import os
import sys

import pygit2


class Callbacks(pygit2.RemoteCallbacks):
    """Gives the token as the password, and keeps what the server says of each ref that is pushed."""

    def __init__(self):
        super().__init__(credentials=pygit2.UserPass("git", os.environ["TOKEN"]))
        self.refused = {}

    def push_update_reference(self, refname, message):
        if message is not None:
            self.refused[refname] = message


def state(repository):
    head = repository.head.target
    commits = [str(commit.id) for commit in repository.walk(head)]
    files = {}
    for entry in repository.index:
        files[entry.path] = repository[entry.id].data.decode("latin1")
    branches = sorted(name for name in repository.branches.remote if not name.endswith("/HEAD"))
    return {
        "head": str(head),
        "commits": commits,
        "files": files,
        "branches": branches,
        "shallow": repository.is_shallow,
    }


def clone(url, path, depth, branch):
    repository = pygit2.clone_repository(url, path, checkout_branch=branch, callbacks=Callbacks(), depth=int(depth))
    return state(repository)


def fetch(path, depth, branch):
    repository = pygit2.Repository(path)
    repository.remotes["origin"].fetch(callbacks=Callbacks(), depth=int(depth))
    target = repository.branches.remote[f"origin/{branch}"].target
    repository.checkout_tree(repository[target])
    repository.references[f"refs/heads/{branch}"].set_target(target)
    repository.set_head(f"refs/heads/{branch}")
    return state(repository)


def commit(path, name, content):
    repository = pygit2.Repository(path)
    with open(os.path.join(path, name), "w", encoding="utf-8") as file:
        file.write(content)
    repository.index.add(name)
    repository.index.write()
    person = pygit2.Signature("A U Thor", "author@example.com")
    tree = repository.index.write_tree()
    made = repository.create_commit("HEAD", person, person, f"Write {name}", tree, [repository.head.target])
    return {"id": str(made)}


def push(path, *refspecs):
    callbacks = Callbacks()
    try:
        pygit2.Repository(path).remotes["origin"].push(list(refspecs), callbacks=callbacks)
    except pygit2.GitError as error:
        return {"error": str(error), "refused": callbacks.refused}
    return {"error": None, "refused": callbacks.refused}


COMMANDS = {"clone": clone, "fetch": fetch, "commit": commit, "push": push}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
