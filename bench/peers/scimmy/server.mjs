// Run SCIMMY with Express and with its users in memory: node server.mjs PORT
// By default, SCIMMY formats all users before it selects a page. Here the page is selected first, which is faster.

import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const users = new Map();

SCIMMY.Config.set({ patch: true, filter: { supported: true, maxResults: 200 }, sort: true });
SCIMMY.Resources.declare(SCIMMY.Resources.User, {
    extensions: [{ schema: SCIMMY.Schemas.EnterpriseUser, required: false }],
    egress: (resource) => {
        if (resource.id) {
            const user = users.get(resource.id);
            if (!user) throw new SCIMMY.Types.Error(404, null, "There is no user with this id");
            return user;
        }
        const all = [...users.values()];
        const found = resource.filter ? resource.filter.match(all) : all;
        const { startIndex = 1, count = 20, sortBy } = resource.constraints;
        if (sortBy !== undefined) return found;
        resource.constraints.totalResults = found.length;
        return found.slice(startIndex - 1, startIndex - 1 + count);
    },
    ingress: (resource, data) => {
        const now = new Date().toISOString();
        const before = resource.id ? users.get(resource.id) : undefined;
        const id = resource.id ?? randomUUID();
        const meta = { resourceType: "User", created: before?.meta.created ?? now, lastModified: now };
        const user = { ...data, id, meta };
        users.set(id, user);
        return user;
    },
    degress: (resource) => users.delete(resource.id),
});

const app = express();
app.use("/scim/v2", new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
        if (request.header("authorization") !== "Bearer bench") throw new Error("wrong token");
    },
}));
const server = app.listen(Number(process.argv[2]), "127.0.0.1");
server.keepAliveTimeout = 0; // the client keeps its connection open while the other server is measured
